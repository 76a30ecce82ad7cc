#include "walwrap/replication/capture/checkpointer.hpp"

#include <utility>

#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {
namespace {

// Beside a busy writer the WAL stays far below the hard limit with passive checkpoints alone. A
// quarter of the limit is more than a passive checkpoint leaves, and is a size that the app must
// tolerate anyway.
constexpr Bytes kUnremarkableShare = 4;

std::vector<ReaderPid> find_readers(const os::Path& database, const wal::CheckpointInfo& reached) {
  // By path, because no file of SQLite may be opened here (Law 1).
  const auto index_file = os::status_of(database.string() + "-shm");
  const auto locks = os::read_file_locks();
  if (!index_file || !locks) return {};
  return pinning_readers(*locks, index_file->id.inode, os::own_pid(), reached);
}

// A pause begins when a commit has ended. An app that commits more slowly than this has pauses
// anyway.
constexpr std::chrono::milliseconds kCommitWait{20};
constexpr std::chrono::microseconds kCommitLook{50};
constexpr std::chrono::microseconds kLeastGap{500};

// True: there was a commit in this time.
bool wait_for_commit(const sqlite::CheckpointOwner& owner, std::uint32_t change,
                     std::chrono::nanoseconds most) {
  const MonoTime until = owner.clock().mono() + most;
  while (owner.clock().mono() < until) {
    const auto index = owner.read_index();
    if (index && index->header.change != change) return true;
    os::pause_for(kCommitLook);
  }
  return false;
}

// False: the next commit follows so soon that no checkpoint ends before it. Beside such a writer a
// checkpoint that waits for a slow disk lets the WAL grow without limit.
bool wait_for_gap(const sqlite::CheckpointOwner& owner, std::uint32_t change) {
  wait_for_commit(owner, change, kCommitWait);
  const auto index = owner.read_index();
  return index && !wait_for_commit(owner, index->header.change, kLeastGap);
}

Lent lent_of(sqlite::Lending::Outcome outcome) {
  switch (outcome) {
    case sqlite::Lending::Outcome::Restarts:
      return Lent::Restarts;
    case sqlite::Lending::Outcome::NoCheckpoint:
      return Lent::NoCheckpoint;
    case sqlite::Lending::Outcome::NotFinished:
      return Lent::NotFinished;
    case sqlite::Lending::Outcome::NoCommit:
    case sqlite::Lending::Outcome::Lent:
      break;
  }
  return Lent::Nothing;
}

std::string_view name_of(Lent ended) {
  switch (ended) {
    case Lent::Restarts:
      return "restarts";
    case Lent::Nothing:
      return "no-commit";
    case Lent::NoCheckpoint:
      return "no-checkpoint";
    case Lent::NotFinished:
      return "not-finished";
  }
  return "";
}

std::string text_of(ReaderPid pid) {
  return pid ? fmt::format("{}", pid->value) : "unknown";
}

}  // namespace

Checkpointer::Checkpointer(std::string name, CheckpointLimits limits, const os::Clock& clock,
                           const Log& log)
    : name_(std::move(name)),
      clock_(clock),
      log_(log),
      policy_(limits),
      pinned_(limits.hard_limit / kUnremarkableShare) {}

WalView Checkpointer::view_of(const sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                              const Situation& situation) const {
  return {.salts = index.header.salts,
          .max_frame = index.header.max_frame,
          .not_backfilled = index.not_backfilled(),
          .bytes = wal::frame_offset(index.header.max_frame + 1, owner.page_size()),
          .pinned = pinned_.is_stuck(),
          .own_read = situation.snapshot_open};
}

bool Checkpointer::goes_first(const sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                              const Situation& situation) const {
  if (lending_) return true;
  const auto view = view_of(owner, index, situation);
  switch (policy_.decide(view, situation.last_commit, clock_.mono())) {
    case CheckpointPolicy::Action::PassAfterCommit:
    case CheckpointPolicy::Action::Lend:
    case CheckpointPolicy::Action::BlockWriters:
      return true;
    case CheckpointPolicy::Action::None:
    case CheckpointPolicy::Action::Pass:
    case CheckpointPolicy::Action::RecallSnapshot:
      return false;
  }
  return false;
}

void Checkpointer::on_attached() {
  lending_.reset();
  missed_here_ = 0;
}

void Checkpointer::note_missed(const Situation& situation) {
  if (!situation.can_prove) policy_.forbid_lending();
  if (situation.missed_commits <= missed_here_) return;
  const auto missed = situation.missed_commits - missed_here_;
  missed_here_ = situation.missed_commits;
  counts_.missed_commits += missed;
  policy_.forbid_lending();
  log_.warn("commits were not captured; comparing every page",
            {{"db", name_}, {"commits", missed}});
}

Result<void> Checkpointer::run(sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                               const Situation& situation,
                               const sqlite::CheckpointOwner::CaptureFn& capture) {
  using Action = CheckpointPolicy::Action;
  note_missed(situation);
  if (lending_) return go_on_lending(capture);
  const MonoTime now = clock_.mono();
  const WalView view = view_of(owner, index, situation);
  const auto action = policy_.decide(view, situation.last_commit, now);
  wants_snapshot_back_ = action == Action::RecallSnapshot;
  next_look_ = policy_.next_look(view, situation.last_commit, now);
  switch (action) {
    case Action::None:
    case Action::RecallSnapshot:
      return {};
    case Action::PassAfterCommit:
      if (!wait_for_gap(owner, index.header.change)) {
        policy_.on_pass(view, view.not_backfilled, clock_.mono());
        return {};
      }
      [[fallthrough]];
    case Action::Pass:
      return pass(owner, situation, capture);
    case Action::Lend:
      return lend(owner, view, capture);
    case Action::BlockWriters: {
      auto done = checkpoint_blocking(owner, capture);
      if (done) look_for_readers(owner, view, situation.snapshot_open);
      return done;
    }
  }
  return {};
}

Result<void> Checkpointer::pass(sqlite::CheckpointOwner& owner, const Situation& situation,
                                const sqlite::CheckpointOwner::CaptureFn& capture) {
  const auto before = owner.read_index();
  if (!before) return {};
  const auto view = view_of(owner, *before, situation);
  auto done = owner.pass(capture);
  const auto after = owner.read_index();
  const bool is_same_log = !after || after->header.salts == view.salts;
  const std::uint32_t left = !after ? view.not_backfilled : after->not_backfilled();
  policy_.on_pass(view, is_same_log ? left : 0, clock_.mono());
  if (!done) return done;
  ++counts_.passes;
  look_for_readers(owner, view, situation.snapshot_open);
  return {};
}

Result<void> Checkpointer::lend(sqlite::CheckpointOwner& owner, const WalView& view,
                                const sqlite::CheckpointOwner::CaptureFn& capture) {
  auto lending = sqlite::Lending::begin(owner);
  if (!lending) {
    policy_.on_lent(Lent::NotFinished, view, clock_.mono());
    return fail(lending.error());
  }
  ++counts_.lent;
  lending_ = *lending;
  lent_at_ = view;
  return go_on_lending(capture);
}

Result<void> Checkpointer::go_on_lending(const sqlite::CheckpointOwner::CaptureFn& capture) {
  next_look_ = clock_.mono();
  const auto outcome = TRY(lending_->go_on(capture));
  if (outcome == sqlite::Lending::Outcome::Lent) return {};
  lending_.reset();
  const Lent ended = lent_of(outcome);
  policy_.on_lent(ended, lent_at_, clock_.mono());
  if (ended == Lent::Restarts) ++counts_.restarts;
  log_.debug("checkpoint lock lent to the app",
             {{"db", name_}, {"outcome", name_of(ended)}, {"wal_bytes", lent_at_.bytes}});
  return {};
}

Result<void> Checkpointer::checkpoint_blocking(sqlite::CheckpointOwner& owner,
                                               const sqlite::CheckpointOwner::CaptureFn& capture) {
  const auto blocked = owner.checkpoint_blocking(capture);
  policy_.on_blocking_checkpoint(clock_.mono());
  if (!blocked) return fail(blocked.error());
  if (blocked->held) {
    counts_.held.observe(std::chrono::duration<double>(blocked->took).count());
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(blocked->took);
    log_.debug("writers blocked for a checkpoint", {{"db", name_}, {"took_us", took.count()}});
  } else {
    log_.debug("checkpoint did not find a pause between writers", {{"db", name_}});
  }
  return {};
}

void Checkpointer::look_for_readers(const sqlite::CheckpointOwner& owner, const WalView& before,
                                    bool snapshot_open) {
  const auto index = owner.read_index();
  if (!index) return;
  const bool is_same_log = index->header.salts == before.salts;
  const auto bytes = wal::frame_offset(index->header.max_frame + 1, owner.page_size());
  const auto found = pinned_.on_pass(
      {.asked = is_same_log ? before.max_frame : 0,
       .salts = index->header.salts,
       .reached = index->checkpoint,
       .wal_bytes = bytes,
       .has_own_reader = snapshot_open},
      [&] { return find_readers(owner.database(), index->checkpoint); }, clock_.mono());
  switch (found.say) {
    case FailureEpisode::Say::Started:
    case FailureEpisode::Say::Continues:
      log_.warn("a reader prevents the WAL from restarting", {{"db", name_},
                                                              {"pid", text_of(found.pid)},
                                                              {"reader_s", found.age.count()},
                                                              {"wal_bytes", bytes}});
      return;
    case FailureEpisode::Say::Ended:
      log_.info("the WAL can restart again", {{"db", name_},
                                              {"pid", text_of(found.pid)},
                                              {"reader_s", found.age.count()},
                                              {"wal_bytes", bytes}});
      return;
    case FailureEpisode::Say::Nothing:
      return;
  }
}

}  // namespace walwrap::replication
