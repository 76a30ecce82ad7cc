#include "walwrap/replication/checkpointer.hpp"

#include <utility>

#include "walwrap/os/file.hpp"

namespace walwrap::replication {
namespace {

// A busy log is shorter than the hard limit, and passes alone keep it far below. A quarter of it
// is more than any pass leaves, and a quarter of what the app must live with anyway.
constexpr Bytes kUnremarkableShare = 4;

std::vector<ReaderPid> find_readers(const os::Path& database, const wal::CheckpointInfo& reached) {
  // By path, for nothing of SQLite's may be opened here (Law 1).
  const auto index_file = os::status_of(database.string() + "-shm");
  const auto locks = os::read_file_locks();
  if (!index_file || !locks) return {};
  return pinning_readers(*locks, index_file->id.inode, os::own_pid(), reached);
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

Result<void> Checkpointer::run(sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                               const Situation& situation,
                               const sqlite::CheckpointOwner::CaptureFn& capture) {
  const MonoTime now = clock_.mono();
  const WalView view{.salts = index.header.salts,
                     .max_frame = index.header.max_frame,
                     .not_backfilled = index.not_backfilled(),
                     .bytes = wal::frame_offset(index.header.max_frame + 1, owner.page_size()),
                     .pinned = situation.snapshot_open || pinned_.is_stuck()};
  const auto action = policy_.decide(view, situation.last_commit, now);
  Result<void> done;
  if (action == CheckpointPolicy::Action::Pass) {
    policy_.on_pass(view, now);
    done = owner.pass(capture);
    if (done) ++counts_.passes;
  } else if (action == CheckpointPolicy::Action::Brake) {
    done = brake(owner, capture);
  }
  if (done && action != CheckpointPolicy::Action::None) {
    look_for_readers(owner, view, situation.snapshot_open);
  }
  next_look_ = policy_.next_look(view, situation.last_commit, now);
  return done;
}

Result<void> Checkpointer::brake(sqlite::CheckpointOwner& owner,
                                 const sqlite::CheckpointOwner::CaptureFn& capture) {
  const auto braked = owner.brake(capture);
  policy_.on_brake(clock_.mono());
  if (!braked) return fail(braked.error());
  if (braked->held) {
    counts_.held.observe(std::chrono::duration<double>(braked->took).count());
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(braked->took);
    log_.debug("writers held for a checkpoint", {{"db", name_}, {"took_us", took.count()}});
  } else {
    log_.debug("no gap between writers for a checkpoint", {{"db", name_}});
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
       .log_bytes = bytes,
       .has_own_reader = snapshot_open},
      [&] { return find_readers(owner.database(), index->checkpoint); }, clock_.mono());
  switch (found.say) {
    case FailureEpisode::Say::Started:
    case FailureEpisode::Say::Continues:
      log_.warn("a reader keeps the log from being reused", {{"db", name_},
                                                             {"pid", text_of(found.pid)},
                                                             {"reader_s", found.age.count()},
                                                             {"wal_bytes", bytes}});
      return;
    case FailureEpisode::Say::Ended:
      log_.info("the log can be reused again", {{"db", name_},
                                                {"pid", text_of(found.pid)},
                                                {"reader_s", found.age.count()},
                                                {"wal_bytes", bytes}});
      return;
    case FailureEpisode::Say::Nothing:
      return;
  }
}

}  // namespace walwrap::replication
