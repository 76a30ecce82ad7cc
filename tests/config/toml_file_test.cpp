#include "walwrap/config/toml_file.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace walwrap;
using namespace walwrap::config;

namespace {
std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}
}  // namespace

TEST_CASE("tables and arrays of tables become dotted keys in the order of the file") {
  const auto values = parse_toml(
      "# a comment\n"
      "grace = \"5s\"\n"
      "wal.blocking-checkpoints = \"auto\"\n"
      "[log]\n"
      "level = 'info'\n"
      "[[database]]\n"
      "path = \"/a\"\n"
      "[[database]]\n"
      "path = \"/b\"\n"
      "codes = [1, 2]\n"
      "on = true\n"
      "n = 74\n");
  REQUIRE(values.has_value());
  struct Row {
    const char* key;
    const char* text;
    TomlType type;
    std::size_t line;
  };
  const Row rows[] = {
      {"grace", "5s", TomlType::Text, 2},
      {"wal.blocking-checkpoints", "auto", TomlType::Text, 3},
      {"log.level", "info", TomlType::Text, 5},
      {"database[1].path", "/a", TomlType::Text, 7},
      {"database[2].path", "/b", TomlType::Text, 9},
      {"database[2].codes", "", TomlType::Other, 10},
      {"database[2].on", "true", TomlType::Switch, 11},
      {"database[2].n", "74", TomlType::Integer, 12},
  };
  REQUIRE(values->size() == std::size(rows));
  for (std::size_t i = 0; i < values->size(); ++i) {
    CHECK((*values)[i].key == rows[i].key);
    CHECK((*values)[i].text == rows[i].text);
    CHECK((*values)[i].type == rows[i].type);
    CHECK((*values)[i].line == rows[i].line);
  }
}

TEST_CASE("an empty TOML file, or one of comments only, has no values") {
  for (const char* text : {"", "\n\n", "# nothing\n"}) {
    const auto values = parse_toml(text);
    REQUIRE(values.has_value());
    CHECK(values->empty());
  }
}

TEST_CASE("a TOML file that is built to exhaust the parser is refused") {
  struct Row {
    const char* name;
    std::string text;
    const char* expected;
  };
  const Row rows[] = {
      {"too long", repeat("# comment\n", 7000), "larger than 65536 bytes"},
      {"too deep", "a = " + repeat("[", 300), "line 1: more than 256 tables and arrays"},
      {"too deep inline", "\na = " + repeat("{a=", 300), "line 2: more than 256"},
      {"too many dots", "a" + repeat(".a", 100) + " = 1", "line 1: more than 64 dots"},
      {"too many keys",
       "a = 1\n" +
           [] {
             std::string keys;
             for (int i = 0; i < 600; ++i) keys += "k" + std::to_string(i) + " = 1\n";
             return keys;
           }(),
       "more than 512 keys"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto values = parse_toml(row.text);
    REQUIRE_FALSE(values.has_value());
    CHECK(values.error().code == Code::Invalid);
    CAPTURE(values.error().text);
    CHECK(values.error().text.find(row.expected) != std::string::npos);
  }
}

TEST_CASE("nesting up to the limit does not exhaust the stack") {
  const auto values = parse_toml("a = " + repeat("[", 256) + repeat("]", 256));
  REQUIRE(values.has_value());
  REQUIRE(values->size() == 1);
  CHECK(values->front().type == TomlType::Other);
  CHECK(parse_toml("a" + repeat(".a", 64) + " = 1").has_value());
}

TEST_CASE("bytes that are not text are refused with their line") {
  struct Row {
    const char* name;
    std::string bytes;
  };
  const Row rows[] = {
      {"a stray continuation", "\x80"},
      {"an overlong slash", "\xc0\xaf"},
      {"an overlong NUL", "\xe0\x80\x80"},
      {"a surrogate", "\xed\xa0\x80"},
      {"beyond U+10FFFF", "\xf4\x90\x80\x80"},
      {"cut short", "\xe2\x82"},
      {"no such byte", "\xff"},
      {"four bytes, overlong", "\xf0\x80\x80\x80"},
      {"a third byte that is none", "\xe2\x82x"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    for (const char* quote : {"\"", "'"}) {
      const auto values = parse_toml("# one\na = " + (quote + row.bytes) + quote + "\n");
      REQUIRE_FALSE(values.has_value());
      CHECK(values.error().text == "line 2: bytes that are not UTF-8");
    }
  }
  CHECK_FALSE(parse_toml(std::string("\0\0\0", 3)).has_value());
  CHECK_FALSE(parse_toml(std::string("a = \"x\0y\"", 9)).has_value());
}

TEST_CASE("text beyond ASCII is kept") {
  const auto values = parse_toml("db = \"/daten/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80.db\"");
  REQUIRE(values.has_value());
  CHECK(values->front().text == "/daten/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80.db");
}

TEST_CASE("invalid UTF-8 in a literal string does not cause a read out of bounds") {
  // Found by fuzz_config: toml11 counted lines between iterators of two buffers.
  const auto values = parse_toml("a = [{p = ' \"/b\"}\xff\xff{p\xc4' }]\nZ}]\n");
  CHECK_FALSE(values.has_value());
}
