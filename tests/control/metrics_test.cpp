#include "walwrap/control/metrics.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

Status status() {
  Status out{.version = "1.2", .platform = "fly", .grace = std::chrono::seconds(5)};
  DatabaseStatus database;
  database.path = "/data/app.db";
  database.replicated = true;
  database.status.uploads.bytes = 300;
  database.status.uploads.failed = 2;
  database.status.uploads.took.observe(0.004);
  database.status.uploads.took.observe(7);
  database.health.lag = std::chrono::milliseconds(1'500);
  out.databases.push_back(database);
  return out;
}

TEST_CASE("metrics are in seconds and bytes, with one series for each database") {
  const auto text = format_metrics(status());
  CHECK(has_line(text, "walwrap_info{version=\"1.2\",platform=\"fly\"} 1"));
  CHECK(has_line(text, "walwrap_platform_grace_seconds 5"));
  CHECK(has_line(text, "walwrap_healthy{db=\"/data/app.db\"} 1"));
  CHECK(has_line(text, "walwrap_lag_seconds{db=\"/data/app.db\"} 1.5"));
  CHECK(has_line(text, "walwrap_uploaded_bytes_total{db=\"/data/app.db\"} 300"));
  CHECK(has_line(text, "walwrap_upload_failures_total{db=\"/data/app.db\"} 2"));
}

TEST_CASE("histogram buckets are cumulative, and the last one counts everything") {
  const auto text = format_metrics(status());
  const std::string name = "walwrap_upload_duration_seconds";
  CHECK(has_line(text, "# TYPE " + name + " histogram"));
  CHECK(has_line(text, name + "_bucket{db=\"/data/app.db\",le=\"0.0025\"} 0"));
  CHECK(has_line(text, name + "_bucket{db=\"/data/app.db\",le=\"0.005\"} 1"));
  CHECK(has_line(text, name + "_bucket{db=\"/data/app.db\",le=\"5\"} 1"));
  CHECK(has_line(text, name + "_bucket{db=\"/data/app.db\",le=\"+Inf\"} 2"));
  CHECK(has_line(text, name + "_count{db=\"/data/app.db\"} 2"));
}

TEST_CASE("a time that is not known yet has no metric") {
  auto some = status();
  CHECK(format_metrics(some).find("last_stored") == std::string::npos);
  some.databases[0].status.stored_at = WallTime{} + std::chrono::seconds(1'700'000'000);
  CHECK(format_metrics(some).find("walwrap_last_stored_timestamp_seconds{db=\"/data/app.db\"} "
                                  "1700000000") != std::string::npos);
}

TEST_CASE("requests and errors are counted by kind, with a price where it is known") {
  auto some = status();
  auto& status = some.databases[0].status;
  status.store.requests = {1, 2, 3, 4, 5, 6};
  status.store.errors = {7, 8, 0, 0, 0};
  const auto text = format_metrics(some);
  const std::string db = "{db=\"/data/app.db\",";
  CHECK(has_line(text, "walwrap_store_requests_total" + db + "operation=\"get\"} 1"));
  CHECK(has_line(text, "walwrap_store_requests_total" + db + "operation=\"list\"} 3"));
  CHECK(has_line(text, "walwrap_store_requests_total" + db + "operation=\"delete\"} 6"));
  CHECK(has_line(text, "walwrap_store_errors_total" + db + "kind=\"unavailable\"} 7"));
  CHECK(has_line(text, "walwrap_store_errors_total" + db + "kind=\"denied\"} 8"));
  CHECK(text.find("dollars") == std::string::npos);
  status.request_dollars = 0.5;
  CHECK(has_line(format_metrics(some), "walwrap_store_requests_dollars{db=\"/data/app.db\"} 0.5"));
}

TEST_CASE("the restore of a start and crashes of the replicator are metrics") {
  auto some = status();
  CHECK(format_metrics(some).find("restore_duration") == std::string::npos);
  some.restarts = 3;
  some.databases[0].status.restored_in = std::chrono::milliseconds(2'500);
  const auto text = format_metrics(some);
  CHECK(has_line(text, "walwrap_replicator_restarts_total 3"));
  CHECK(has_line(text, "# TYPE walwrap_replicator_restarts_total counter"));
  CHECK(has_line(text, "walwrap_restore_duration_seconds{db=\"/data/app.db\"} 2.5"));
}

TEST_CASE("the newest snapshot is this run's, or a newer one in the listing") {
  auto some = status();
  auto& database = some.databases[0];
  const auto at = [](int second) { return WallTime{} + std::chrono::seconds(second); };
  CHECK(newest_snapshot(database).txid == Txid{0});
  database.progress.snapshot = {.ticket = 1, .txid = Txid{5}, .bytes = 1, .stored_at = at(50)};
  CHECK(newest_snapshot(database).txid == Txid{5});
  database.points.emplace();
  database.points->snapshot = {Txid{4}, at(40), kSnapshotLevel};
  CHECK(newest_snapshot(database).txid == Txid{5});
  database.points->snapshot = {Txid{6}, at(60), kSnapshotLevel};
  CHECK(newest_snapshot(database).stored_at == at(60));
  database.points.reset();
  database.progress.snapshot.error = "no room";
  CHECK(newest_snapshot(database).txid == Txid{0});
}

TEST_CASE("a path with quotes is one label") {
  auto some = status();
  some.databases[0].path = "/data/\"a\"\\b.db";
  CHECK(has_line(format_metrics(some), R"(walwrap_healthy{db="/data/\"a\"\\b.db"} 1)"));
}

}  // namespace
}  // namespace walwrap::control
