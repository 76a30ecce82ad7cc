#include "walwrap/replication/startup/boot_checks.hpp"

#include <fmt/format.h>

#include <utility>

#include "walwrap/os/file_stamp.hpp"
#include "walwrap/replication/replica/file_note.hpp"
#include "walwrap/sqlite/database_header.hpp"

namespace walwrap::replication {

Result<std::optional<os::DirectoryLock>> lock_state_directory(const os::Path& directory,
                                                              const LockWait& wait,
                                                              const os::Clock& clock,
                                                              const Log& log) {
  bool said = false;
  while (true) {
    auto taken = os::DirectoryLock::try_take(directory);
    if (!taken && taken.error().code == Code::Unsupported) {
      log.debug("state directory not locked", {{"cause", taken.error().text}});
      return std::optional<os::DirectoryLock>();
    }
    auto lock = TRY(std::move(taken).context("lock the state directory"));
    if (lock) return lock;
    if (clock.mono() >= wait.give_up) {
      return fail(Code::Busy,
                  "database {}: another walwrap is replicating it; stop that one, then start again "
                  "(--start-timeout sets how long a start waits for it)",
                  wait.database.string());
    }
    if (!std::exchange(said, true)) {
      log.warn("another walwrap is replicating this database; waiting",
               {{"db", wait.database.string()}});
    }
    TRY(wait.pause());
  }
}

std::optional<StartDecision> other_page_size(const os::Path& database,
                                             const ReplicaInspection& replica,
                                             const std::optional<SavedState>& state) {
  PageSize stored;
  if (replica.finding == ReplicaFinding::Present) {
    stored = replica.newest.page_size;
  } else if (replica.finding == ReplicaFinding::Unreachable && state) {
    stored = state->page_size;
  }
  if (stored.value == 0) return std::nullopt;
  const auto local = sqlite::page_size_of(database);
  if (!local || *local == stored) return std::nullopt;
  return StartDecision{
      .action = StartAction::Refuse,
      .reason = fmt::format("the database has pages of {} bytes, but the replica has pages of {}",
                            *local, stored),
      .hint = fmt::format("set --replica to a new, empty place, or change the page size back: "
                          "PRAGMA journal_mode=DELETE; PRAGMA page_size={}; VACUUM",
                          stored)};
}

FoundFile find_file(const os::Path& database) {
  const auto status = os::status_of(database);
  return status ? FoundFile(*status) : std::nullopt;
}

Result<void> check_nothing_changed(const os::Path& database, const FoundFile& found,
                                   const ReplicaInspection& replica, KeyStyle style) {
  const auto now = find_file(database);
  const bool is_same = now.has_value() == found.has_value() &&
                       (!now || (now->id == found->id && now->size == found->size &&
                                 now->modified == found->modified));
  if (!is_same) {
    return fail(Code::Busy, "another program changed {} during this start", database.string());
  }
  // A HEAD that finds nothing costs a second request in some stores; a range does not.
  const Txid next = replica.extent.newest.next();
  const std::string key = file_key(style, kUploadLevel, {next, next});
  const auto stored =
      replica.store->get(key, {0, 1}, [](ByteSpan /*bytes*/) { return Result<void>(); });
  if (!stored && stored.error().code == Code::NotFound) return {};
  if (!stored) return fail(stored.error());
  return fail(Code::Busy, "{} was stored during this start: another instance is running; stop it",
              key);
}

std::optional<NotedFile> noted_file(const os::Path& database, const StateDir& directory) {
  auto noted = read_file_note(directory);
  const auto found = os::stamp_of(database);
  return noted && found && noted->stamp == *found ? noted : std::nullopt;
}

bool is_content_open(const FoundAtStart& found, Reach reach) {
  if (found.wal.commits.empty() || reach == Reach::Proven) return false;
  return reach == Reach::Unproven || !found.noted;
}

std::string_view why_behind(const SavedState& state, const ReplicaInspection& replica,
                            const WalCommits& wal) {
  if (replica.newest.node != state.stored_by && !state.is_own(replica.newest.node)) {
    return "another writer continued the replica";
  }
  switch (reach_of_newest(state, replica, wal).reach) {
    case Reach::Behind:
      return "its WAL ends before what was stored";
    case Reach::Proven:
      return kOtherFile;
    default:
      return "its pages equal an older state, and its WAL is missing";
  }
}

}  // namespace walwrap::replication
