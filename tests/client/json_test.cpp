#include "walwrap/client/json.hpp"

#include <doctest/doctest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace walwrap::client {
namespace {

struct Seen {
  bool is_object = false;
  bool is_text = false;
  bool is_true = false;
  std::string text;
};

Seen see(std::string_view json, std::string_view name) {
  Text text(1'000);
  std::array wanted = {Member{.name = name, .text = &text}};
  Seen seen;
  seen.is_object = read_object(json, wanted);
  seen.is_text = wanted[0].is_text;
  seen.is_true = wanted[0].is_true;
  seen.text = text.view();
  return seen;
}

TEST_CASE("only the members of the outermost object are read") {
  const std::string_view json =
      R"( {"stored": true, "inner": {"txid": "no", "list": [1, -2.5e+3, {"txid": "no"}]},
           "txid": "00a1", "last": null} )";
  CHECK(see(json, "txid").text == "00a1");
  CHECK(see(json, "stored").is_true);
  CHECK_FALSE(see(json, "last").is_text);
  CHECK_FALSE(see(json, "absent").is_text);
  CHECK(see(json, "absent").is_object);
}

TEST_CASE("string escapes become UTF-8") {
  CHECK(see(R"({"a":"\"\\\/\b\f\n\r\t"})", "a").text == "\"\\/\b\f\n\r\t");
  CHECK(see(R"({"a":"\u0041\u00e4\u20AC\ud83d\ude00"})", "a").text ==
        "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(see(R"({"\u0061":"named by an escape"})", "a").text == "named by an escape");
}

TEST_CASE("a text that is not exactly one object is refused") {
  for (const std::string_view wrong : {"",
                                       " ",
                                       "null",
                                       "[]",
                                       "\"a\"",
                                       "{",
                                       "}",
                                       "{}{}",
                                       "{} x",
                                       "{\"a\"}",
                                       "{\"a\":}",
                                       "{a:1}",
                                       "{\"a\":1,}",
                                       "{,}",
                                       "{\"a\":01}",
                                       "{\"a\":1.}",
                                       "{\"a\":.5}",
                                       "{\"a\":-}",
                                       "{\"a\":1e}",
                                       "{\"a\":+1}",
                                       "{\"a\":tru}",
                                       "{\"a\":truex}",
                                       "{\"a\":nul}",
                                       "{\"a\":[1,]}",
                                       "{\"a\":[}",
                                       "{\"a\":\"}",
                                       "{\"a\":\"\n\"}",
                                       "{\"a\":\"\\x\"}",
                                       "{\"a\":\"\\u12g4\"}",
                                       "{\"a\":\"\\ud800\"}",
                                       "{\"a\":\"\\ud800\\u0041\"}",
                                       "{\"a\":\"\\udc00\"}",
                                       "{\"a\" 1}",
                                       "{'a':1}"}) {
    CAPTURE(wrong);
    CHECK_FALSE(see(wrong, "a").is_object);
  }
}

TEST_CASE("nesting is limited, so an answer cannot exhaust the caller's stack") {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(see(nested(30), "a").is_object);
  CHECK_FALSE(see(nested(33), "a").is_object);
  CHECK_FALSE(see(nested(1'000'000), "a").is_object);
}

// Another reader of JSON must agree: about valid texts, and about those with a change in them.
TEST_CASE("the JSON reader accepts what another JSON reader accepts") {
  const std::string valid =
      R"({"position":"00ff-1-7","stored":true,"n":[0,-1.5e3,{"x":null}],"s":"\u20ac\n\\"})";
  std::mt19937 random(20'261'130);
  const std::string_view letters = "{}[]\":,\\u0019.eE+-tfn \n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = valid;
    const auto changes = 1 + random() % 3;
    for (std::size_t i = 0; i < changes; ++i) {
      const auto at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1 + random() % 4);
      } else {
        text.insert(at, 1, letters[random() % letters.size()]);
      }
      if (text.empty()) text = "{";
    }
    const auto other = nlohmann::json::parse(text, nullptr, false);
    CAPTURE(text);
    CHECK(see(text, "s").is_object == other.is_object());
  }
}

}  // namespace
}  // namespace walwrap::client
