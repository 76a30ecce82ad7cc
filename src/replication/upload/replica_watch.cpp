#include "walwrap/replication/upload/replica_watch.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/os/clock.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Rhythm {
  milliseconds newest;  // between checks of the newest upload
  milliseconds chain;   // between checks of the chain
  milliseconds again;   // until the next check after a problem
  milliseconds counts;  // how long a result is valid
  milliseconds least;   // between checks that a client requests
};
constexpr Rhythm kDirectory{.newest = seconds(10),
                            .chain = minutes(10),
                            .again = seconds(2),
                            .counts = seconds(2),
                            .least = milliseconds(200)};
constexpr Rhythm kBucket{.newest = seconds(60),
                         .chain = minutes(60),
                         .again = seconds(30),
                         .counts = seconds(60),
                         .least = seconds(5)};
constexpr seconds kFirstChain{10};  // after the start, which has priority
constexpr Backoff::Limits kMendAgain{.first = minutes(1), .ceiling = minutes(60)};

const Rhythm& rhythm_of(bool is_directory) {
  return is_directory ? kDirectory : kBucket;
}

}  // namespace

ReplicaWatch::ReplicaWatch(storage::ObjectStore* store, MonoTime now)
    : next_newest_(MonoTime::max()), next_chain_(now + kFirstChain), mend_again_(kMendAgain) {
  if (store == nullptr) return;
  if (holds_directory(*store)) next_newest_ = now + kDirectory.newest;
  report_.proven_until = now + rhythm_of(is_directory()).counts;
}

bool ReplicaWatch::holds_directory(storage::ObjectStore& store) {
  if (!place_) {
    const auto place = store.rebind();
    if (place) place_ = *place;
  }
  return is_directory();
}

Result<ReplicaWatch::Required> ReplicaWatch::require(const Held& held, LookAt what, MonoTime now) {
  auto found = TRY(look(held, what, now));
  if (found.state == ReplicaState::Nameless) {
    held.log.warn("identity of the replica is missing, rewritten", {{"cause", found.reason}});
    TRY(claim_identity(held.store, held.state.lineage));
    found = TRY(look(held, what, now));
  }
  switch (found.state) {
    case ReplicaState::Ours:
    case ReplicaState::Broken:
      return Required::Ours;
    case ReplicaState::Older:
      held.log.warn("replica has lost uploads, storing a full image",
                    {{"stored", held.state.txid}, {"found", found.newest}});
      TRY(move_back(found, held));
      return Required::MovedBack;
    default:
      return fail(Code::Unavailable, "{}; {}", found.reason, found.hint);
  }
}

// Nothing is known of the pages at that TXID. From now on a new writer stores, so a late file of
// the old writer with the same TXID is not taken for a new one.
Result<void> ReplicaWatch::move_back(const ReplicaVerdict& found, const Held& held) {
  writers_.push_back(held.state.writer);
  writers_.push_back(held.state.stored_by);
  held.state.txid = found.newest;
  held.state.stored_by = found.node;
  held.state.pages = 0;
  held.state.wal.reset();
  held.state.writer = RandomId{os::random_u64()};
  held.state.slot.reset();
  report_.lost.clear();
  look_soon(LookAt::Newest, {});
  return held.sums.resize(0);
}

Result<void> ReplicaWatch::verify(storage::ObjectStore& store, KeyStyle style,
                                  const SavedState& state) {
  const auto place = TRY(store.rebind());
  place_ = place;
  return verify_replica(store, style, expect(state));
}

ReplicaExpectation ReplicaWatch::expect(const SavedState& state) const {
  ReplicaExpectation expected{.lineage = state.lineage,
                              .txid = state.txid,
                              .stored_by = state.stored_by,
                              .writers = writers_,
                              .slot = state.slot,
                              .front = state.front};
  expected.writers.push_back(state.writer);
  expected.writers.push_back(state.stored_by);
  return expected;
}

Result<ReplicaVerdict> ReplicaWatch::look(const Held& held, LookAt what, MonoTime now) {
  auto found = look_and_judge(held, what);
  note(found, what, now);
  return found;
}

Result<ReplicaVerdict> ReplicaWatch::look_and_judge(const Held& held, LookAt& what) {
  const auto place = TRY(held.store.rebind());
  if (place_ && *place_ != place) what = LookAt::Chain;
  place_ = place;
  const auto sight = TRY(look_at(held.store, held.style, expect(held.state), what));
  auto found = judge_replica(expect(held.state), sight);
  if (sight.chain) {
    what = LookAt::Chain;
    held.state.front = sight.chain->front;
  }
  return found;
}

void ReplicaWatch::note(const Result<ReplicaVerdict>& found, LookAt what, MonoTime now) {
  looked_ = now;
  report_.wants_snapshot = false;
  const bool is_ours = found && found->state == ReplicaState::Ours;
  schedule(is_ours, what, now);
  if (!found) return note_error(found.error());
  stored_since_ = false;
  report_.lost.clear();
  report_.hint = found->hint;
  switch (found->state) {
    case ReplicaState::Ours:
      report_.proven_until = now + rhythm_of(is_directory()).counts;
      if (what == LookAt::Chain) {
        report_.broken.clear();
        mend_again_.reset();
        mend_after_ = {};
      }
      // A file that a listing did not show stays missing, whatever the other checks find.
      if (!report_.broken.empty()) report_.proven_until = {};
      return;
    case ReplicaState::Broken:
      report_.proven_until = {};
      report_.broken = found->reason;
      report_.wants_snapshot = now >= mend_after_;
      return;
    default:
      report_.proven_until = {};
      report_.lost = found->reason;
  }
}

// A bucket that does not answer is unreachable. A directory always answers.
void ReplicaWatch::note_error(const Error& error) {
  const bool is_silent = error.code == Code::Unavailable || error.code == Code::Unknown;
  const bool is_ended = error.code == Code::Cancelled || error.code == Code::Deadline;
  if (is_ended || (is_silent && !is_directory())) return;
  report_.proven_until = {};
  report_.lost = error.text;
  report_.hint = "unstored commits stay in the database until the replica is back";
}

void ReplicaWatch::schedule(bool well, LookAt what, MonoTime now) {
  const Rhythm& rhythm = rhythm_of(is_directory());
  if (!well) {
    next_newest_ = now + rhythm.again;
    next_chain_ = std::max(next_chain_, next_newest_);
    return;
  }
  next_newest_ = is_directory() ? now + rhythm.newest : MonoTime::max();
  if (what == LookAt::Chain) next_chain_ = now + rhythm.chain;
}

void ReplicaWatch::on_stored(MonoTime now) {
  if (!is_directory() && !std::exchange(stored_since_, true)) {
    next_newest_ = std::min(next_newest_, now + kBucket.newest);
  }
}

void ReplicaWatch::on_snapshot_asked(MonoTime now) {
  report_.wants_snapshot = false;
  mend_after_ = now + mend_again_.next_ceiling();
  mend_again_.next_delay(0);
}

void ReplicaWatch::look_soon(LookAt what, MonoTime now) {
  now = std::max(now, looked_ + rhythm_of(is_directory()).least);
  if (what == LookAt::Chain) {
    next_chain_ = std::min(next_chain_, now);
  } else {
    next_newest_ = std::min(next_newest_, now);
  }
}

}  // namespace walwrap::replication
