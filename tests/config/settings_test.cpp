#include "walwrap/config/settings.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "tests/support/test_data.hpp"
#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::config;
using testing::has;

TEST_CASE("sizes are parsed in binary and decimal units") {
  struct Row {
    const char* text;
    Bytes bytes;
  };
  const Row rows[] = {
      {"0", 0},
      {"4096", 4096},
      {"4096B", 4096},
      {"512k", 512 << 10},
      {"512K", 512 << 10},
      {"512Ki", 512 << 10},
      {"512KiB", 512 << 10},
      {"512kb", 512'000},
      {"64MiB", 64ULL << 20},
      {"64m", 64ULL << 20},
      {"1GB", 1'000'000'000},
      {"1GiB", 1ULL << 30},
      {"2TiB", 2ULL << 40},
      {"18446744073709551615", std::numeric_limits<Bytes>::max()},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_size(row.text) == row.bytes);
  }
}

TEST_CASE("a malformed or too large size is refused") {
  for (const char* text :
       {"", "k", "MiB", "1.5GiB", "-1", "+1", " 1", "1 ", "1 MiB", "0x10", "1PiB", "1KiBB", "1iB",
        "18446744073709551616", "17179869184TiB", "1M B"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("a mistyped word gets the nearest known one as a hint, a strange word none") {
  constexpr std::array<std::string_view, 5> kKnown = {"--grace", "--replica", "--db",
                                                      "--on-diverged", "--kill-app"};
  struct Row {
    const char* word;
    const char* expected;  // "": none
  };
  const Row rows[] = {
      {"--grase", "--grace"},
      {"--garce", "--grace"},
      {"--grce", "--grace"},
      {"--grace", "--grace"},
      {"--replika", "--replica"},
      {"--diverged", "--on-diverged"},
      {"--killapp", "--kill-app"},
      {"--bd", "--db"},
      {"--elephant", ""},
      {"--x", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.word);
    CHECK(nearest(row.word, kKnown).value_or("") == std::string_view(row.expected));
  }
  CHECK_FALSE(nearest(std::string(100, 'a'), kKnown).has_value());
}

TEST_CASE("the names in the table are unique and follow one rule") {
  std::set<std::string_view> flags;
  std::set<std::string_view> variables;
  std::set<std::string_view> keys;
  for (const Setting& row : settings()) {
    CAPTURE(row.flag);
    CHECK(flags.insert(row.flag).second);
    CHECK(variables.insert(row.environment).second);
    if (!row.key.empty()) CHECK(keys.insert(row.key).second);
    std::string variable = "WALWRAP_";
    for (const char c : row.flag.substr(2)) {
      variable += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
    }
    CHECK(row.environment == variable);
    CHECK((row.kind == Kind::Choice) == !row.choices.empty());
    CHECK((row.kind == Kind::Switch) == row.argument.empty());
    CHECK_FALSE(row.help.empty());
  }
}

// Any text will do for them, as far as this module can tell.
constexpr std::array<std::string_view, 6> kAnyText = {"--user",   "--ready-file", "--ca-file",
                                                      "--socket", "--listen",     "--listen-token"};

TEST_CASE("every setting accepts its own default") {
  for (const Setting& row : settings()) {
    if (row.apply == nullptr) continue;
    Config config;
    CAPTURE(row.flag);
    if (!row.default_text.empty()) CHECK_FALSE(row.apply(config, row, row.default_text));
    const bool is_any = std::find(kAnyText.begin(), kAnyText.end(), row.flag) != kAnyText.end();
    CHECK(row.apply(config, row, "no such value").has_value() == !is_any);
  }
}

TEST_CASE("--help names every flag, variable, choice and default, in 100 columns") {
  const auto help = format_settings_help();
  for (const Setting& row : settings()) {
    CHECK(has(help, row.flag));
    CHECK(has(help, row.environment));
    CHECK(has(help, row.choices));
    if (row.kind != Kind::Switch) CHECK(has(help, row.default_text));
    CHECK(has(help, row.help));
  }
  std::size_t start = 0;
  for (auto end = help.find('\n'); end != std::string::npos; end = help.find('\n', start)) {
    CAPTURE(help.substr(start, end - start));
    CHECK(end - start <= 100);
    start = end + 1;
  }
}

TEST_CASE("docs/configuration.md contains exactly the table that the code prints") {
  std::ifstream file(std::string(testing::kTestData) + "/../../docs/configuration.md");
  REQUIRE(file.good());
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto expected = format_settings_markdown();
  const auto start = text.find(expected.substr(0, expected.find('\n')));
  REQUIRE(start != std::string::npos);
  CHECK(text.substr(start, expected.size()) == expected);
  CHECK(text.substr(start + expected.size(), 1) == "\n");
}
