#include "walwrap/cli/status_view.hpp"

#include <doctest/doctest.h>

#include "walwrap/control/report.hpp"

namespace walwrap::cli {
namespace {

using std::chrono::milliseconds;

std::string status(bool healthy) {
  control::Facts facts{.version = "1.2", .host = "heroku"};
  control::DatabaseFacts database;
  database.path = "/data/app.db";
  database.replica = "s3://bucket/app";
  database.replicated = true;
  database.status.attached = true;
  database.status.txid = Txid{21};
  database.status.last_put = milliseconds(40);
  database.status.stored_at = WallTime{} + milliseconds(10'000);
  database.progress.attached = true;
  database.progress.committed.commits = 4;
  database.progress.stored = healthy ? 4 : 3;
  database.health = {.ok = healthy, .reason = healthy ? "" : "late", .lag = milliseconds(0)};
  facts.databases.push_back(database);
  return control::format_status(facts);
}

TEST_CASE("people see what is stored, how old it is and what is missing") {
  const auto view = view_status(status(true), WallTime{} + milliseconds(13'500));
  REQUIRE(view);
  CHECK(view->healthy);
  CHECK(view->text ==
        "walwrap 1.2 on heroku, running, 0 waiting\n"
        "/data/app.db: replicating, healthy\n"
        "  replica  s3://bucket/app\n"
        "  stored   0000000000000015, 3s ago, in 40 ms\n"
        "  behind   nothing\n"
        "  log      0 B\n"
        "  fencing  unknown\n");
}

TEST_CASE("what is not healthy is seen at once") {
  const auto view = view_status(status(false), WallTime{});
  REQUIRE(view);
  CHECK_FALSE(view->healthy);
  CHECK(view->reason == "/data/app.db: late");
  CHECK(view->text.find("NOT HEALTHY") != std::string::npos);
  CHECK(view->text.find("1 commit, ") != std::string::npos);
}

TEST_CASE("what is no answer of walwrap's is said to be none") {
  for (const char* text : {"", "{}", "[]", "<html>", "{\"healthy\":1}"}) {
    const auto view = view_status(text, WallTime{});
    REQUIRE_FALSE(view);
    CHECK(view.error().code == Code::Unavailable);
  }
}

TEST_CASE("an age is in whole seconds, and never negative") {
  CHECK(format_age(WallTime{}, WallTime{} + milliseconds(999)) == "now");
  CHECK(format_age(WallTime{} + milliseconds(5'000), WallTime{}) == "now");
  CHECK(format_age(WallTime{}, WallTime{} + milliseconds(90'500)) == "1m30s ago");
}

}  // namespace
}  // namespace walwrap::cli
