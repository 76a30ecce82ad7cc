// Decides which job the upload thread gets next and when, and remembers the job in flight. Pure;
// owned by the capture thread.
//
//   state     is_out()  next()        left by
//   Idle      no        never         choose(): a job is wanted -> Paced, or it is due at once
//   Paced     no        at that time  choose(), then
//   Due       no        now           on_offered() -> Out; on_busy() -> Paced; on_nothing() -> Idle
//   Out       yes       never         on_answer() -> Idle
//
// One job is in flight at a time, because there is one read snapshot. A comparison comes first,
// then a requested snapshot, then pending pages: a comparison may find more pending pages, and a
// snapshot stores the pending pages as well.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/pace.hpp"

namespace walwrap::replication {

// What the capture thread remembers of the job in flight.
struct JobInFlight {
  RandomId attachment{};       // the answer is for pages of this one alone
  StoredUpTo covers{};         // what is stored once the job is
  Bytes bytes = 0;             // of the pages in the job, which are not stored yet
  bool is_paced = true;        // no client asked for it
  std::uint64_t snapshot = 0;  // the newest snapshot request that it answers; 0: none
};

class JobSchedule {
 public:
  JobSchedule(const Pace::Options& all, const std::optional<Pace::Options>& of_waits)
      : pace_(all, of_waits) {}

  // A stop has begun: no pace from now on.
  void hurry() { pace_.hurry(); }
  void on_snapshot_asked(std::uint64_t newest) { snapshot_asked_ = newest; }
  // A snapshot is requested and no job was offered for it yet.
  bool is_snapshot_asked() const { return snapshot_asked_ > snapshot_taken_; }

  // A job was offered for this request or a later one.
  bool has_taken(std::uint64_t request) const { return request <= snapshot_taken_; }

  struct Situation {
    bool can_lend = false;       // the read snapshot is not lent
    bool needs_compare = false;  // commits may have been missed
    bool has_pending = false;    // there are pending pages
    bool may_snapshot = true;    // false: a snapshot would not be ready before the stop
    bool may_compact = true;     // false: the writer leaves no time for a compaction
    bool is_urgent = false;      // a client has requested to store now
    bool is_awaited = false;     // a client waits for it
    Txid txid{};                 // stored; 0: nothing yet
  };
  struct Choice {
    JobKind kind{};
    bool all_pages = false;
  };
  // nullopt: no job now; next() says when to ask again.
  std::optional<Choice> choose(const Situation& situation, MonoTime now);
  // The chosen job could not be built at this moment, or there was nothing to store.
  void on_busy(MonoTime now);
  void on_nothing() { next_ = MonoTime::max(); }
  void on_offered(JobInFlight job, bool is_snapshot, bool is_awaited, bool is_urgent);
  // Returns what was remembered of the job.
  JobInFlight on_answer(const UploadDone& done, Writer writer);

  bool is_out() const { return out_.has_value(); }
  Bytes bytes_out() const { return out_ ? out_->bytes : 0; }
  MonoTime next() const { return next_; }  // max: not before an event
  void check_invariants() const;

 private:
  Paces pace_;
  std::optional<JobInFlight> out_;
  MonoTime next_{};
  bool wants_all_frames_ = false;     // a compaction is due with the next job
  std::uint64_t snapshot_asked_ = 0;  // newest request, and the newest one with a job
  std::uint64_t snapshot_taken_ = 0;
};

}  // namespace walwrap::replication
