#include "walwrap/replication/startup/set_aside.hpp"

#include <algorithm>
#include <array>

#include "walwrap/os/resolve.hpp"

namespace walwrap::replication {
namespace {

constexpr std::array<std::string_view, 4> kSuffixes = {"", "-wal", "-shm", "-journal"};

os::Path with_suffix(const os::Path& path, std::string_view suffix) {
  return path.string() + std::string(suffix);
}

}  // namespace

os::Path aside_name(const os::Path& database, std::string_view reason, WallTime now) {
  std::string time = format_rfc3339(now).substr(0, 19);  // to the second
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return database.string() + fmt::format(".walwrap-{}-{}Z", reason, time);
}

Result<void> set_database_aside(const os::Path& database, std::string_view reason, WallTime now,
                                const Log& log) {
  const auto is_there = [](const os::Path& path) {
    return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                       [&](auto suffix) { return os::exists(with_suffix(path, suffix)); });
  };
  if (!is_there(database)) return {};
  os::Path aside = aside_name(database, reason, now);
  for (int i = 2; is_there(aside); ++i) {
    aside = aside_name(database, reason, now).string() + fmt::format(".{}", i);
  }
  for (const std::string_view suffix : kSuffixes) {
    if (!os::exists(with_suffix(database, suffix))) continue;
    // A mounted file cannot be renamed. place_database() checks that it is empty.
    if (suffix.empty() && os::is_mount_point(database)) continue;
    TRY(os::rename(with_suffix(database, suffix), with_suffix(aside, suffix))
            .context("set the local database aside"));
    log.warn("file set aside", {{"from", with_suffix(database, suffix).string()},
                                {"to", with_suffix(aside, suffix).string()}});
  }
  return os::sync_directory(database.parent_path());
}

}  // namespace walwrap::replication
