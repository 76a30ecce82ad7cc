#include "walwrap/replication/attacher.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "walwrap/replication/attachment.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kErrorRetry{100};
constexpr milliseconds kFirstTransactionLook{25};
// An app that has just changed to WAL mode creates the WAL index with its next statement. A process
// that holds the index at that moment makes the app wait, and the statement fails if the app has no
// busy timeout.
constexpr milliseconds kIndexIsNew{20};
constexpr milliseconds kNoIndexYet{100};
constexpr milliseconds kSettleLook{10};
constexpr seconds kUnremarkable{2};  // the status does not mention a shorter wait
constexpr seconds kWorthALine{10};

constexpr std::string_view kModeHint =
    "set PRAGMA journal_mode=WAL in the app, and not locking_mode=EXCLUSIVE; the final flush "
    "stores "
    "everything";
constexpr std::string_view kOwnModeHint =
    "set PRAGMA journal_mode=WAL in the app, or none; to change back once walwrap is stopped: "
    "PRAGMA "
    "journal_mode=DELETE";
constexpr std::string_view kLockHint = "do not set PRAGMA locking_mode=EXCLUSIVE in the app";

std::uint64_t number_of(const os::FileId& file) {
  return file.device * 0x9e37'79b9'7f4a'7c15ULL ^ file.inode;
}

}  // namespace

Attacher::Attacher(os::Path database, std::string name, const os::Clock& clock, const Log& log)
    : database_(std::move(database)),
      name_(std::move(name)),
      clock_(clock),
      log_(log),
      pause_(os::random_u64()) {}

bool Attacher::is_due(Others others) const {
  return clock_.mono() >= (others == Others::None ? not_before_ : next_);
}

Result<Attacher::Attached> Attacher::try_attach(Others others, std::chrono::nanoseconds idle) {
  const MonoTime now = clock_.mono();
  const auto sight = sqlite::inspect_mode(database_);
  const bool is_absent =
      sight ? sight->mode == sqlite::JournalMode::None : sight.error().code == Code::NotFound;
  if (is_absent) {
    on_absent(now, idle);
    return Attached();
  }
  is_absent_ = false;
  if (!sight && sight.error().code != Code::Busy) {
    on_error(now);
    return fail(sight.error());
  }
  if (!since_) since_ = now;
  const bool is_now = sight && is_time(*sight, now);
  sight_ = sight ? *sight : sqlite::ModeSight{};
  if (is_now || others == Others::None) return attach(sight_, others);
  on_waiting(sight_, now);
  return Attached();
}

void Attacher::on_absent(MonoTime now, std::chrono::nanoseconds idle) {
  is_absent_ = true;
  if (retry_.on_absent(now, idle)) {
    is_long_absent_ = true;
    log_.warn("no database at this path yet, nothing is stored",
              {{"db", database_.string()},
               {"hint", "check the path; walwrap replicates the database as soon as it exists"}});
  }
  next_ = retry_.next();
  since_.reset();
  wal_seen_.reset();
  pause_.on_over();
  episode_.on_success();
}

bool Attacher::is_time(const sqlite::ModeSight& sight, MonoTime now) {
  if (sight.mode == sqlite::JournalMode::Wal) {
    pause_.on_over();
    return is_settled(sight, now);
  }
  wal_seen_.reset();
  const int undone = pause_.times_undone();
  const auto use =
      sight.is_locked || sight.has_journal ? ModePause::Use::InUse : ModePause::Use::Free;
  const bool is_now = pause_.on_look({.file = number_of(sight.file),
                                      .changes = sight.changes,
                                      .size = sight.size,
                                      .modified = sight.modified},
                                     use, now);
  if (undone == 0 && pause_.times_undone() > 0) {
    log_.warn("the app changed the journal mode back; nothing is stored meanwhile",
              {{"db", name_}, {"hint", kModeHint}});
  }
  return is_now;
}

bool Attacher::is_settled(const sqlite::ModeSight& sight, MonoTime now) {
  const bool is_same = wal_seen_ && sight.file == sight_.file &&
                       sight.has_index == sight_.has_index && sight.changes == sight_.changes;
  // An unfinished change to WAL mode may still be undone.
  if (!is_same || sight.has_journal) wal_seen_ = now;
  return now - *wal_seen_ >= (sight.has_index ? kIndexIsNew : kNoIndexYet);
}

Result<Attacher::Attached> Attacher::attach(const sqlite::ModeSight& sight, Others others) {
  auto owner = attach_existing(database_, clock_, others);
  const MonoTime now = clock_.mono();
  if (owner) {
    on_attached(sight, now);
    return owner;
  }
  on_waiting(sight, now);
  if (owner.error().code == Code::Busy) {
    // The lock is held, and in WAL mode for longer than a statement takes. Each try waits for the
    // lock.
    if (sight.mode == sqlite::JournalMode::Wal) next_ = now + kErrorRetry;
    return Attached();
  }
  on_error(now);
  return fail(owner.error());
}

void Attacher::on_error(MonoTime now) {
  is_long_absent_ = false;
  retry_.on_failure(DatabaseFiles::at(database_).database, now);
  not_before_ = next_ = retry_.next();
}

std::string Attacher::absence() const {
  if (!is_absent_ || !is_long_absent_) return "";
  return fmt::format("there is no database at {}", database_.string());
}

void Attacher::on_attached(const sqlite::ModeSight& sight, MonoTime now) {
  if (sight.mode == sqlite::JournalMode::Rollback) {
    const auto waited = std::chrono::duration_cast<milliseconds>(now - *since_);
    log_.info("journal mode changed to WAL", {{"db", name_}, {"waited_ms", waited.count()}});
    pause_.on_changed(number_of(sight.file));
    // Only while the database is not locked: an app in a transaction has a journal in every mode.
    if (sight.keeps_journal && !sight.is_locked) {
      log_.warn("the app sets its own journal mode and may now get 'database is locked'",
                {{"db", name_}, {"hint", kOwnModeHint}});
    }
  }
  pause_.on_over();
  retry_.on_attached();
  is_long_absent_ = false;
  since_.reset();
  wal_seen_.reset();
  episode_.on_success();
}

void Attacher::on_failed() {
  retry_.on_busy(clock_.mono());
  not_before_ = next_ = retry_.next();
}

void Attacher::on_detached(std::chrono::nanoseconds after) {
  retry_.on_detached(clock_.mono(), after);
  not_before_ = next_ = retry_.next();
}

void Attacher::on_finishing() {
  const MonoTime now = clock_.mono();
  if (retry_.on_finishing(now)) not_before_ = next_ = now;
}

void Attacher::on_waiting(const sqlite::ModeSight& sight, MonoTime now) {
  switch (sight.mode) {
    case sqlite::JournalMode::None:
      next_ = now + kFirstTransactionLook;
      break;
    case sqlite::JournalMode::Rollback:
      next_ = pause_.next_look(now);
      break;
    case sqlite::JournalMode::Wal:
      next_ = now + kSettleLook;
      break;
  }
  if (now - *since_ < kWorthALine) return;
  const auto say = episode_.on_failure(now);
  if (say != FailureEpisode::Say::Started && say != FailureEpisode::Say::Continues) return;
  const auto waited = std::chrono::duration_cast<seconds>(now - *since_);
  log_.warn("not replicated: cannot attach to the database while the app uses it",
            {{"db", name_},
             {"cause", reason()},
             {"waited_s", waited.count()},
             {"hint", sight.mode == sqlite::JournalMode::Wal ? kLockHint : kModeHint}});
}

std::string Attacher::reason() const {
  const std::string who =
      sight_.holder ? fmt::format("process {}", sight_.holder->value) : "another process";
  if (sight_.mode == sqlite::JournalMode::Wal) {
    return fmt::format("{} has the database locked", who);
  }
  constexpr std::string_view kMode = "the database is in rollback journal mode";
  if (pause_.times_undone() > 0) {
    return fmt::format("{}: the app changes the journal mode back from WAL", kMode);
  }
  if (sight_.is_locked) return fmt::format("{}, and {} has it locked", kMode, who);
  if (sight_.has_journal) return fmt::format("{}, with an unfinished transaction", kMode);
  return fmt::format("{}, and the app writes without a pause", kMode);
}

std::optional<Attacher::Waiting> Attacher::waiting() const {
  if (!since_) return std::nullopt;
  const bool is_remarkable = clock_.mono() - *since_ >= kUnremarkable;
  return Waiting{
      .since = *since_, .bytes = sight_.size, .reason = is_remarkable ? reason() : std::string()};
}

void Attacher::on_news() {
  const MonoTime now = clock_.mono();
  if (is_absent_) next_ = std::max(now, not_before_);
  if (retry_.on_news(DatabaseFiles::at(database_).database, now)) not_before_ = next_ = now;
}

}  // namespace walwrap::replication
