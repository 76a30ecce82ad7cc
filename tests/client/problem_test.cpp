#include "walwrap/client/problem.hpp"

#include <doctest/doctest.h>

#include <string>

#include "walwrap.h"
#include "walwrap/control/protocol.hpp"

namespace walwrap::client {
namespace {

struct Judged {
  int code;
  std::string sentence;
};

Judged judge(int status, std::string_view body) {
  Text sentence(kMostSentenceBytes);
  const int code = judge_problem(status, body, sentence);
  return {code, std::string(sentence.view())};
}

TEST_CASE("each problem of the API has a code, and its message is title and detail") {
  const struct {
    int status;
    std::string_view slug;
    int code;
  } rows[] = {
      {400, "bad-parameter", WALWRAP_MISUSE},
      {404, "which-database", WALWRAP_WHICH_DATABASE},
      {401, "unauthorized", WALWRAP_DENIED},
      {403, "forbidden", WALWRAP_DENIED},
      {404, "not-found", WALWRAP_MISUSE},
      {405, "method-not-allowed", WALWRAP_MISUSE},
      {409, "position-unknown", WALWRAP_POSITION_UNKNOWN},
      {413, "body-not-wanted", WALWRAP_MISUSE},
      {503, "not-replicating", WALWRAP_NOT_REPLICATING},
      {503, "not-stored", WALWRAP_NOT_REPLICATING},
      {503, "stopping", WALWRAP_STOPPING},
      {504, "no-database", WALWRAP_NOT_STORED},
      {504, "timed-out", WALWRAP_NOT_STORED},
      {500, "bug", WALWRAP_PROTOCOL},
  };
  for (const auto& row : rows) {
    CAPTURE(row.slug);
    const auto answer = control::problem(row.status, row.slug, "A title", "the detail");
    const auto judged = judge(answer.status, answer.body);
    CHECK(judged.code == row.code);
    CHECK(judged.sentence == "A title: the detail");
  }
}

TEST_CASE("an error answer without a reason is a protocol error that names its status") {
  for (const std::string_view body : {"", "<html>", "{}", "{\"type\":7}", "[\"type\"]"}) {
    CAPTURE(body);
    CHECK(judge(502, body).code == WALWRAP_PROTOCOL);
    CHECK(judge(502, body).sentence == "walwrap answers with the status 502 and no reason");
  }
}

TEST_CASE("an error message is one line and within its length limit") {
  const auto judged = judge(503, R"({"type":"/problems/stopping","title":"a\nb","detail":"c\r"})");
  CHECK(judged.sentence == "a b: c ");
  const std::string endless(100'000, 'x');
  const auto cut =
      judge(503, R"({"type":"/problems/stopping","title":"t","detail":")" + endless + "\"}");
  CHECK(cut.code == WALWRAP_STOPPING);
  CHECK(cut.sentence.starts_with("t: xxx"));
  CHECK(cut.sentence.size() < kMostSentenceBytes);
}

}  // namespace
}  // namespace walwrap::client
