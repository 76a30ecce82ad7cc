#include "walwrap/cli/status_view.hpp"

#include <doctest/doctest.h>

#include "walwrap/control/status_json.hpp"

namespace walwrap::cli {
namespace {

using std::chrono::milliseconds;

std::string status(bool healthy) {
  control::Status status{.version = "1.2", .platform = "heroku"};
  control::DatabaseStatus database;
  database.path = "/data/app.db";
  database.replica = "s3://bucket/app";
  database.replicated = true;
  database.status.attached = true;
  database.status.txid = Txid{21};
  database.status.last_put = milliseconds(40);
  database.status.stored_at = WallTime{} + milliseconds(10'000);
  database.status.writer = {0xab};
  database.status.uploads.took.observe(0.04);
  database.status.uploads.took.observe(0.04);
  database.status.uploads.bytes = 3 * 1024;
  database.throughput.bytes_per_second = 512;
  database.status.store.requests[3] = 7;
  database.status.store.errors[0] = 3;
  database.status.request_dollars = 0.0125;
  database.points.emplace();
  database.points->spans = {{.level = kUploadLevel,
                             .first = Txid{1},
                             .last = Txid{21},
                             .from = WallTime{} + milliseconds(1'000),
                             .to = WallTime{} + milliseconds(10'000),
                             .points = 21}};
  database.points->snapshot = {Txid{20}, WallTime{} + milliseconds(5'500), kSnapshotLevel};
  database.progress.attached = true;
  database.progress.committed.commits = 4;
  database.progress.stored = healthy ? 4 : 3;
  database.health = {.ok = healthy, .reason = healthy ? "" : "late", .lag = milliseconds(0)};
  status.databases.push_back(database);
  return control::format_status(status);
}

TEST_CASE("the status view shows what is stored, its age and what is missing") {
  const auto view = view_status(status(true), WallTime{} + milliseconds(13'500));
  REQUIRE(view);
  CHECK(view->healthy);
  CHECK(view->text ==
        "walwrap 1.2 on heroku, running, 0 waiting\n"
        "/data/app.db: replicating, healthy\n"
        "  replica  s3://bucket/app\n"
        "  stored   0000000000000015, 3s ago, in 40 ms\n"
        "  lag      nothing\n"
        "  uploads  2, 3.0 KiB, 512 B/s over the last minute\n"
        "  store    7 requests, about $0.0125, errors: 3 unavailable\n"
        "  snapshot 0000000000000014, 8s ago\n"
        "  restore  from 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:10.000Z\n"
        "  wal      0 B\n"
        "  writer   00000000000000ab\n"
        "  fencing  unknown\n");
}

TEST_CASE("the status view shows an unhealthy database first") {
  const auto view = view_status(status(false), WallTime{});
  REQUIRE(view);
  CHECK_FALSE(view->healthy);
  CHECK(view->reason == "/data/app.db: late");
  CHECK(view->text.find("NOT HEALTHY") != std::string::npos);
  CHECK(view->text.find("1 commit, ") != std::string::npos);
}

TEST_CASE("the status view reports an answer that did not come from walwrap") {
  for (const char* text : {"", "{}", "[]", "<html>", "{\"healthy\":1}"}) {
    const auto view = view_status(text, WallTime{});
    REQUIRE_FALSE(view);
    CHECK(view.error().code == Code::Unavailable);
  }
}

}  // namespace
}  // namespace walwrap::cli
