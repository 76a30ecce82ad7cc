#include "walwrap/control/status_json.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace walwrap::control {
namespace {

Status one_status() {
  Status out{.version = "1.2", .platform = "heroku", .grace = std::chrono::seconds(30)};
  DatabaseStatus database;
  database.path = "/data/app.db";
  database.replica = "s3://bucket/app";
  database.replicated = true;
  database.status.txid = Txid{0x15};
  database.status.attached = true;
  database.status.lag_bytes = 4096;
  database.status.stored_at = WallTime{} + std::chrono::milliseconds(1'500);
  database.progress.attached = true;
  database.progress.committed = {{1}, {2}, 9};
  database.progress.stored = 7;
  database.wal_bytes = 32'992;
  out.databases.push_back(database);
  return out;
}

TEST_CASE("the status gives what is stored, the lag and the position to wait for") {
  const auto json = nlohmann::json::parse(format_status(one_status()));
  CHECK(json["healthy"] == true);
  CHECK(json["grace_ms"] == 30'000);
  const auto& database = json["databases"][0];
  CHECK(database["state"] == "replicating");
  CHECK(database["txid"] == "0000000000000015");
  CHECK(database["position"] == "0000000000000001-0000000000000002-9");
  CHECK(database["lag"]["commits"] == 2);
  CHECK(database["lag"]["bytes"] == 4096);
  CHECK(database["stored_at"] == "1970-01-01T00:00:01.500Z");
  CHECK(database["wal_bytes"] == 32'992);
}

TEST_CASE("a database that is not there yet is shown as waiting and is healthy") {
  auto some = one_status();
  some.databases[0].status.attached = false;
  some.databases[0].progress.attached = false;
  CHECK(state_of(some.databases[0]) == "waiting for the database");
  CHECK(answer_readiness(some).status == 200);
  CHECK(nlohmann::json::parse(format_status(some))["databases"][0]["position"].is_null());
}

TEST_CASE("a database that cannot be attached yet is not shown as absent") {
  auto some = one_status();
  some.databases[0].status.attached = false;
  some.databases[0].status.waits_since = MonoTime{};
  CHECK(state_of(some.databases[0]) == "waiting to attach");
  CHECK(answer_readiness(some).status == 200);
}

TEST_CASE("health fails as soon as one database is unhealthy, with its reason") {
  auto some = one_status();
  CHECK(answer_health(some).status == 200);
  some.databases[0].health = {.ok = false, .reason = "late", .lag = std::chrono::seconds(31)};
  const auto answer = answer_health(some);
  CHECK(answer.status == 503);
  CHECK(answer.body.find("/data/app.db: late") != std::string::npos);
  CHECK(answer_readiness(some).status == 200);  // the app goes on
}

TEST_CASE("a database that is not replicated is neither healthy nor ready") {
  auto some = one_status();
  some.databases[0].replicated = false;
  some.databases[0].reason = "locked";
  CHECK(answer_health(some).body.find("locked") != std::string::npos);
  CHECK(answer_readiness(some).status == 503);
  auto halted = one_status();
  halted.databases[0].progress.halted = "another writer";
  CHECK(answer_readiness(halted).body.find("another writer") != std::string::npos);
}

TEST_CASE("during a stop readiness fails") {
  auto some = one_status();
  some.stopping = true;
  CHECK(answer_readiness(some).status == 503);
  CHECK(nlohmann::json::parse(format_status(some))["state"] == "stopping");
}

}  // namespace
}  // namespace walwrap::control
