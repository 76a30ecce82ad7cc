#include "walwrap/cli/ask_args.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace walwrap::cli {
namespace {

Result<AskArguments> parse(Question question, const std::vector<std::string>& words) {
  return parse_ask(question, words);
}

TEST_CASE("status, wait, flush and snapshot are commands") {
  for (const char* name : {"status", "wait", "flush", "snapshot"}) {
    const auto question = parse_question(name);
    REQUIRE(question.has_value());
    CHECK(format_question(*question) == name);
    CHECK(format_ask_help(*question).find(std::string("usage: walwrap ") + name) == 0);
  }
  CHECK_FALSE(parse_question("verify").has_value());
}

TEST_CASE("a wait takes a position and a time-out, and every question takes a socket") {
  const auto wait = parse(Question::Wait, {"--timeout", "5s", "--position=p", "--socket", "/s",
                                           "--db", "a.db", "--json"});
  REQUIRE(wait);
  CHECK(wait->timeout == std::chrono::seconds(5));
  CHECK(wait->position == "p");
  CHECK(wait->socket == "/s");
  CHECK(wait->database == "a.db");
  CHECK(wait->json);
  CHECK(parse(Question::Flush, {})->timeout == std::chrono::seconds(30));
  CHECK(parse(Question::Snapshot, {"--timeout=9m"})->timeout == std::chrono::minutes(9));
}

TEST_CASE("an option of another command is refused") {
  CHECK_FALSE(parse(Question::Status, {"--timeout", "5s"}));
  CHECK_FALSE(parse(Question::Flush, {"--position", "p"}));
  CHECK_FALSE(parse(Question::Wait, {"--watch"}));
  CHECK_FALSE(parse(Question::Wait, {"--timeout", "soon"}));
  CHECK_FALSE(parse(Question::Status, {"--check", "--json"}));
  CHECK_FALSE(parse(Question::Status, {"now"}));
}

}  // namespace
}  // namespace walwrap::cli
