#include "walwrap/cli/option_parser.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

namespace walwrap::cli {
namespace {

constexpr std::array kRows = {OptionRow{"--name", "NAME", "whose"},
                              OptionRow{"--quick", "", "fast"}};

Result<config::FlagValue> take(const std::vector<std::string>& words, std::size_t& at) {
  return take_row(words, at, kRows, "test");
}

TEST_CASE("the value of an option follows its flag or an equals sign") {
  std::size_t at = 0;
  const std::vector<std::string> words = {"--name", "a", "--name=b", "--quick"};
  CHECK(*take(words, at) == config::FlagValue{"--name", "a"});
  CHECK(*take(words, at) == config::FlagValue{"--name", "b"});
  CHECK(*take(words, at) == config::FlagValue{"--quick", ""});
  CHECK(at == words.size());
}

TEST_CASE("an option that the command does not know is refused with the nearest known one") {
  for (const auto& [word, said] : std::vector<std::pair<std::string, std::string>>{
           {"--nmae=x", "did you mean --name?"},
           {"--other", "`walwrap help test` lists its options"},
           {"--quick=yes", "the option takes no value"},
           {"--name", "needs a value"},
           {"--name=", "needs a value"}}) {
    std::size_t at = 0;
    const auto refused = take({word}, at);
    REQUIRE_FALSE(refused);
    CHECK_MESSAGE(refused.error().text.find(said) != std::string::npos, refused.error().text);
  }
}

TEST_CASE("a single minus is not an option") {
  CHECK_FALSE(is_option("-"));
  CHECK(is_option("-v"));
  CHECK(flag_of("--a=b=c") == "--a");
}

TEST_CASE("help has one line for each option") {
  CHECK(format_rows(kRows) ==
        "  --name NAME                    whose\n  --quick                        fast\n");
}

}  // namespace
}  // namespace walwrap::cli
