#include "walwrap/cli/status_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>

#include "walwrap/cli/progress.hpp"

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

std::string view_database(const Json& database, WallTime now) {
  const auto line = [](std::string_view name, const std::string& value) {
    return value.empty() ? std::string() : fmt::format("  {:<9}{}\n", name, value);
  };
  const bool healthy = database.at("healthy").get<bool>();
  return fmt::format("{}: {}, {}\n", database.at("path").get<std::string>(),
                     database.at("state").get<std::string>(), healthy ? "healthy" : "NOT HEALTHY") +
         line("replica", database.at("replica").get<std::string>()) +
         line("stored", stored_line(database, now)) +
         line("behind", behind_line(database.at("lag"))) +
         line("log", format_bytes(database.at("wal_bytes").get<Bytes>())) +
         line("fencing", database.at("fencing").get<std::string>()) +
         line("trouble", database.at("trouble").get<std::string>());
}

}  // namespace

std::string format_age(WallTime then, WallTime now) {
  const auto age = std::chrono::floor<std::chrono::seconds>(now - then);
  if (age.count() < 1) return "now";
  return format_duration(age) + " ago";
}

Result<StatusView> view_status(std::string_view json, WallTime now) {
  try {
    const auto status = Json::parse(json);
    StatusView view;
    view.healthy = status.at("healthy").get<bool>();
    view.reason = status.at("reason").get<std::string>();
    view.text =
        fmt::format("walwrap {} on {}, {}, {} waiting\n", status.at("version").get<std::string>(),
                    status.at("host").get<std::string>(), status.at("state").get<std::string>(),
                    status.at("waits").get<std::uint64_t>());
    for (const Json& database : status.at("databases")) view.text += view_database(database, now);
    return view;
  } catch (const std::exception& bad) {
    return fail(Code::Unavailable, "the answer is none of walwrap's: {}", bad.what());
  }
}

}  // namespace walwrap::cli
