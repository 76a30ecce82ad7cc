#include "walwrap/replication/startup/boot_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "walwrap/os/file_stamp.hpp"
#include "walwrap/replication/replica/file_note.hpp"
#include "walwrap/sqlite/database_header.hpp"

namespace walwrap::replication {

namespace {

constexpr std::chrono::milliseconds kLockPause{500};
// The app is down from its stop until the newcomer has the lock.
constexpr std::chrono::milliseconds kHandoverPause{5};
constexpr std::chrono::milliseconds kAskAgain{1'000};

// A wait for the lock, with the owner's answers.
class WaitForOwner {
 public:
  WaitForOwner(const LockWait& wait, const os::Clock& clock, const Log& log)
      : wait_(wait), clock_(clock), log_(log), give_up_(wait.give_up), next_ask_(clock.mono()) {
    if (wait.ask_owner) give_up_ = std::min(give_up_, clock.mono() + wait.handover_timeout);
  }

  // After a try that met another holder.
  Result<void> go_on() {
    const MonoTime now = clock_.mono();
    if (now >= give_up_) return give_up();
    if (wait_.ask_owner && !hands_over_ && now >= next_ask_) TRY(ask());
    if (!hands_over_ && !std::exchange(said_, true)) {
      log_.warn("another walwrap is replicating this database; waiting",
                {{"db", wait_.database.string()}});
    }
    return wait_.pause(hands_over_ ? kHandoverPause : kLockPause);
  }

 private:
  Result<void> ask() {
    const auto answer = TRY(wait_.ask_owner());
    next_ask_ = clock_.mono() + kAskAgain;
    if (answer == OwnerAnswer::NotThere) return {};
    hands_over_ = true;
    give_up_ = clock_.mono() + wait_.handover_timeout;
    log_.info("the other walwrap hands over", {{"db", wait_.database.string()}});
    return {};
  }

  Result<void> give_up() const {
    if (wait_.ask_owner) {
      return fail(
          Code::Mismatch,
          "database {}: another walwrap has it and did not hand it over within {}. End that "
          "one, then start again (--handover-timeout sets how long a start waits)",
          wait_.database.string(), format_duration(wait_.handover_timeout));
    }
    return fail(Code::Busy,
                "database {}: another walwrap is replicating it; stop that one, then start again "
                "(--start-timeout sets how long a start waits for it)",
                wait_.database.string());
  }

  const LockWait& wait_;
  const os::Clock& clock_;
  const Log& log_;
  MonoTime give_up_;
  MonoTime next_ask_;
  bool said_ = false;
  bool hands_over_ = false;
};

}  // namespace

Result<std::optional<os::DirectoryLock>> lock_state_directory(const os::Path& directory,
                                                              const LockWait& wait,
                                                              const os::Clock& clock,
                                                              const Log& log) {
  WaitForOwner others(wait, clock, log);
  while (true) {
    auto taken = os::DirectoryLock::try_take(directory);
    if (!taken && taken.error().code == Code::Unsupported) {
      log.debug("state directory not locked", {{"cause", taken.error().text}});
      return std::optional<os::DirectoryLock>();
    }
    auto lock = TRY(std::move(taken).context("lock the state directory"));
    if (lock) return lock;
    TRY(others.go_on());
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
