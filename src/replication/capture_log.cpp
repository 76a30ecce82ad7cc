#include "walwrap/replication/capture_log.hpp"

#include <fmt/format.h>

namespace walwrap::replication {

void log_capture_failure(const Log& log, const std::string& name, const Error& error,
                         FailureEpisode& episode, MonoTime now) {
  if (error.code == Code::Busy) return;
  switch (episode.on_failure(now)) {
    case FailureEpisode::Say::Started:
    case FailureEpisode::Say::Continues:
      log.warn("capture failed, will be tried again",
               {{"db", name}, {"cause", error.text}, {"failures", episode.failures()}});
      break;
    default:
      break;
  }
}

std::string log_missing_file(const Log& log, const std::string& name, Difference difference) {
  if (difference == Difference::DatabaseHidden) {
    std::string reason(describe(difference));
    log.warn("the database's path cannot be inspected, reading the open files",
             {{"db", name}, {"cause", reason}});
    return reason;
  }
  std::string reason = fmt::format("{} while the app uses it", describe(difference));
  log.warn("a file of the database is not at its path, reading it until the app closes it",
           {{"db", name},
            {"cause", reason},
            {"hint", "restart the app, and never delete or replace a -wal or -shm file"}});
  return reason;
}

SnapshotDone log_snapshot(const Log& log, const std::string& name, const answer::Snapshot& made,
                          Txid txid, std::uint64_t ticket, WallTime now) {
  if (!made.error.empty()) {
    log.warn("snapshot not stored", {{"db", name}, {"cause", made.error}});
  }
  return {
      .ticket = ticket, .txid = txid, .bytes = made.bytes, .stored_at = now, .error = made.error};
}

std::string describe_page_sizes(PageSize database, PageSize stored) {
  return fmt::format(
      "the database has pages of {} bytes, but the replica has pages of {}; set --replica to a "
      "new, empty place",
      database, stored);
}

}  // namespace walwrap::replication
