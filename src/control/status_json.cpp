#include "walwrap/control/status_json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace walwrap::control {
namespace {

using Json = nlohmann::ordered_json;

Json lag_of(const DatabaseStatus& database) {
  return {{"bytes", database.status.lag_bytes},
          {"commits", commits_behind(database.progress)},
          {"ms", database.health.lag.count()}};
}

Json snapshot_of(const DatabaseStatus& database) {
  const auto newest = newest_snapshot(database);
  if (newest.txid.value == 0) return nullptr;
  return {{"txid", fmt::format("{}", newest.txid)},
          {"stored_at", format_rfc3339(newest.stored_at)}};
}

Json restorable(const DatabaseStatus& database) {
  if (!database.points || database.points->spans.empty()) return nullptr;
  const auto& first = database.points->spans.front();
  const auto& last = database.points->spans.back();
  return {{"first_txid", fmt::format("{}", first.first)},
          {"last_txid", fmt::format("{}", last.last)},
          {"from", format_rfc3339(first.from)},
          {"to", format_rfc3339(last.to)},
          {"listed_at", format_rfc3339(database.points->listed)}};
}

Json store_of(const replication::ReplicatorStatus& status) {
  Json requests = Json::object();
  for (std::size_t i = 0; i < storage::kRequestKinds.size(); ++i) {
    requests[std::string(storage::kRequestKinds[i])] = status.store.requests[i];
  }
  Json errors = Json::object();
  for (std::size_t i = 0; i < storage::kStoreErrors.size(); ++i) {
    errors[std::string(storage::kStoreErrors[i])] = status.store.errors[i];
  }
  Json out = {{"requests", requests}, {"errors", errors}, {"dollars", nullptr}};
  if (status.request_dollars) out["dollars"] = *status.request_dollars;
  return out;
}

Json uploads_of(const DatabaseStatus& database) {
  const auto& uploads = database.status.uploads;
  return {{"count", uploads.took.count()},
          {"bytes", uploads.bytes},
          {"failed", uploads.failed},
          {"per_second", database.throughput.uploads_per_second},
          {"bytes_per_second", database.throughput.bytes_per_second}};
}

Json json_of(const DatabaseStatus& database) {
  const auto& status = database.status;
  Json out = {{"path", database.path},
              {"replica", database.replica},
              {"state", state_of(database)},
              {"healthy", database.health.ok && database.replicated},
              {"error", database.replicated ? status.error : database.reason},
              {"txid", fmt::format("{}", status.txid)},
              {"position", nullptr},
              {"lag", lag_of(database)},
              {"stored_at", nullptr},
              {"last_upload_ms", status.last_put.count()},
              {"wal_bytes", database.wal_bytes},
              {"fencing", format_fencing(status.fencing)},
              {"writer", fmt::format("{}", status.writer)},
              {"predicted_flush_ms", predict_flush(status).count()},
              {"uploads", uploads_of(database)},
              {"snapshot", snapshot_of(database)},
              {"restore", restorable(database)},
              {"store", store_of(status)}};
  if (database.progress.attached) {
    out["position"] = replication::format_position(database.progress.committed);
  }
  if (status.stored_at) out["stored_at"] = format_rfc3339(*status.stored_at);
  return out;
}

// The unhealthy databases, one after the other. "": all are healthy.
std::string complaints(const Status& status) {
  std::string all;
  for (const DatabaseStatus& database : status.databases) {
    if (database.replicated && database.health.ok) continue;
    all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", database.path,
                       database.replicated ? database.health.reason : database.reason);
  }
  return all;
}

Answer fine(std::string_view word) {
  return {.body = fmt::format("{{\"status\":\"{}\"}}\n", word)};
}

}  // namespace

std::string_view state_of(const DatabaseStatus& database) {
  if (!database.replicated || !database.progress.halted.empty()) return "stopped";
  if (database.status.attached) return "replicating";
  return database.status.waits_since ? "waiting to attach" : "waiting for the database";
}

std::string format_status(const Status& status) {
  const auto wrong = complaints(status);
  Json out = {{"version", status.version},   {"state", status.stopping ? "stopping" : "running"},
              {"healthy", wrong.empty()},    {"reason", wrong},
              {"platform", status.platform}, {"grace_ms", status.grace.count()},
              {"waits", status.waits},       {"restarts", status.restarts},
              {"databases", Json::array()}};
  for (const DatabaseStatus& database : status.databases)
    out["databases"].push_back(json_of(database));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string format_points(const replication::PointsFound& found) {
  Json spans = Json::array();
  std::uint64_t points = 0;
  for (const auto& span : found.spans) {
    points += span.points;
    spans.push_back({{"level", span.level.value},
                     {"first_txid", fmt::format("{}", span.first)},
                     {"last_txid", fmt::format("{}", span.last)},
                     {"from", format_rfc3339(span.from)},
                     {"to", format_rfc3339(span.to)},
                     {"points", span.points}});
  }
  const Json out = {
      {"listed_at", format_rfc3339(found.listed)}, {"points", points}, {"spans", spans}};
  return out.dump() + "\n";
}

Answer answer_health(const Status& status) {
  const auto wrong = complaints(status);
  return wrong.empty() ? fine("ok") : problem(503, "unhealthy", "Not stored in time", wrong);
}

Answer answer_readiness(const Status& status) {
  if (status.stopping) return problem(503, "stopping", "walwrap is stopping", "the app is ending");
  for (const DatabaseStatus& database : status.databases) {
    if (state_of(database) == "stopped") {
      return problem(503, "not-replicating", "A database is not replicated",
                     fmt::format("{}: {}", database.path,
                                 database.replicated ? database.progress.halted : database.reason));
    }
  }
  return fine("ready");
}

}  // namespace walwrap::control
