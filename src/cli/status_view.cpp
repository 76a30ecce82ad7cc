#include "walwrap/cli/status_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>

#include "walwrap/base/human.hpp"

namespace walwrap::cli {
namespace {

using Json = nlohmann::json;

std::string stored_line(const Json& database, WallTime now) {
  const auto txid = database.at("txid").get<std::string>();
  if (database.at("stored_at").is_null()) return fmt::format("{}, nothing since the start", txid);
  const auto then = parse_rfc3339(database.at("stored_at").get<std::string>());
  return fmt::format("{}, {}, in {} ms", txid, then ? format_age(*then, now) : "",
                     database.at("last_upload_ms").get<std::int64_t>());
}

std::string behind_line(const Json& lag) {
  const auto commits = lag.at("commits").get<std::uint64_t>();
  const auto bytes = lag.at("bytes").get<Bytes>();
  if (commits == 0 && bytes == 0) return "nothing";
  const std::chrono::milliseconds age(lag.at("ms").get<std::int64_t>());
  return fmt::format("{} commit{}, {}, the oldest {} old", commits, commits == 1 ? "" : "s",
                     format_bytes(bytes), format_duration(age));
}

std::string uploads_line(const Json& uploads) {
  return fmt::format("{}, {}, {} over the last minute", uploads.at("count").get<std::uint64_t>(),
                     format_bytes(uploads.at("bytes").get<Bytes>()),
                     format_rate(uploads.at("bytes_per_second").get<double>()));
}

// "" if it is not known.
std::string snapshot_line(const Json& snapshot, WallTime now) {
  if (snapshot.is_null()) return "";
  const auto then = parse_rfc3339(snapshot.at("stored_at").get<std::string>());
  return fmt::format("{}, {}", snapshot.at("txid").get<std::string>(),
                     then ? format_age(*then, now) : "");
}

std::string restore_line(const Json& restore) {
  if (restore.is_null()) return "";
  return fmt::format("from {} to {}", restore.at("from").get<std::string>(),
                     restore.at("to").get<std::string>());
}

std::string store_line(const Json& store) {
  std::uint64_t requests = 0;
  for (const Json& count : store.at("requests")) requests += count.get<std::uint64_t>();
  std::string errors;
  for (const auto& [kind, count] : store.at("errors").items()) {
    if (count.get<std::uint64_t>() == 0) continue;
    errors += fmt::format("{}{} {}", errors.empty() ? "" : ", ", count.get<std::uint64_t>(), kind);
  }
  std::string line;
  if (requests > 0) line = fmt::format("{} requests", requests);
  if (requests > 0 && store.at("dollars").is_number()) {
    line += fmt::format(", about ${:.4f}", store.at("dollars").get<double>());
  }
  if (!errors.empty()) line += fmt::format("{}errors: {}", line.empty() ? "" : ", ", errors);
  return line;
}

std::string view_database(const Json& database, WallTime now) {
  const auto line = [](std::string_view name, const std::string& value) {
    return value.empty() ? std::string() : fmt::format("  {:<9}{}\n", name, value);
  };
  const bool healthy = database.at("healthy").get<bool>();
  return fmt::format("{}: {}, {}\n", database.at("path").get<std::string>(),
                     database.at("state").get<std::string>(), healthy ? "healthy" : "NOT HEALTHY") +
         line("replica", database.at("replica").get<std::string>()) +
         line("stored", stored_line(database, now)) + line("lag", behind_line(database.at("lag"))) +
         line("uploads", uploads_line(database.at("uploads"))) +
         line("store", store_line(database.at("store"))) +
         line("snapshot", snapshot_line(database.at("snapshot"), now)) +
         line("restore", restore_line(database.at("restore"))) +
         line("wal", format_bytes(database.at("wal_bytes").get<Bytes>())) +
         line("writer", database.at("writer").get<std::string>()) +
         line("fencing", database.at("fencing").get<std::string>()) +
         line("error", database.at("error").get<std::string>());
}

}  // namespace

Result<StatusView> view_status(std::string_view json, WallTime now) {
  try {
    const auto status = Json::parse(json);
    StatusView view;
    view.healthy = status.at("healthy").get<bool>();
    view.reason = status.at("reason").get<std::string>();
    view.text =
        fmt::format("walwrap {} on {}, {}, {} waiting\n", status.at("version").get<std::string>(),
                    status.at("platform").get<std::string>(), status.at("state").get<std::string>(),
                    status.at("waits").get<std::uint64_t>());
    for (const Json& database : status.at("databases")) view.text += view_database(database, now);
    return view;
  } catch (const std::exception& bad) {
    return fail(Code::Unavailable, "the answer is not from walwrap: {}", bad.what());
  }
}

}  // namespace walwrap::cli
