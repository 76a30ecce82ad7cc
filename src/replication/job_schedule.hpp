// Which job the upload thread gets next, when, and what is remembered of the one that it has. Pure;
// owned by the capture thread.
//
//   state     is_out()  next()        left by
//   Idle      no        never         choose(): a job is wanted -> Paced, or it is due at once
//   Paced     no        at that time  choose(), then
//   Due       no        now           on_offered() -> Out; on_busy() -> Paced; on_nothing() -> Idle
//   Out       yes       never         on_answer() -> Idle
//
// One job is out at a time, because there is one read snapshot. A comparison comes before a
// snapshot that was asked for, and that one before pages that wait: after a comparison more pages
// may wait, and a snapshot stores the pages that wait as well.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/pace.hpp"

namespace walwrap::replication {

// What the capture thread remembers of the job that is out.
struct JobInFlight {
  RandomId attachment{};       // an answer for another one says nothing about this one's pages
  StoredUpTo covers{};         // what is stored once the job is
  Bytes bytes = 0;             // of the pages that wait no longer, and are not stored yet
  bool is_paced = true;        // no client asked for it
  std::uint64_t snapshot = 0;  // the newest request that it answers; 0: none
};

class JobSchedule {
 public:
  JobSchedule(const Pace::Options& all, const std::optional<Pace::Options>& of_waits)
      : pace_(all, of_waits) {}

  // A stop has begun: no pace from now on.
  void hurry() { pace_.hurry(); }
  void on_snapshot_asked(std::uint64_t newest) { snapshot_asked_ = newest; }
  // And no job for it was offered yet.
  bool is_snapshot_asked() const { return snapshot_asked_ > snapshot_taken_; }

  // A job was offered for this request, or for a later one.
  bool has_taken(std::uint64_t request) const { return request <= snapshot_taken_; }

  struct Situation {
    bool can_lend = false;       // the read snapshot is here
    bool needs_compare = false;  // commits may have passed unseen
    bool has_pending = false;    // pages wait
    bool may_snapshot = true;    // false: it would not be ready before the stop
    bool may_compact = true;     // false: the writer leaves no time for it
    bool is_urgent = false;      // a client has asked that it be stored now
    bool is_awaited = false;     // a client waits for it
    Txid txid{};                 // stored; 0: nothing yet
  };
  struct Choice {
    JobKind kind{};
    bool all_pages = false;
  };
  // nullopt: no job now; next() says when to ask again.
  std::optional<Choice> choose(const Situation& situation, MonoTime now);
  // The chosen job could not be made at this moment, or there was nothing to store.
  void on_busy(MonoTime now);
  void on_nothing() { next_ = MonoTime::max(); }
  void on_offered(JobInFlight job, bool is_snapshot, bool is_awaited, bool is_urgent);
  // Returns what was remembered of the job.
  JobInFlight on_answer(const UploadDone& done, Writer writer);

  bool is_out() const { return out_.has_value(); }
  Bytes bytes_out() const { return out_ ? out_->bytes : 0; }
  MonoTime next() const { return next_; }  // max: not before something happens
  void check_invariants() const;

 private:
  Paces pace_;
  std::optional<JobInFlight> out_;
  MonoTime next_{};
  bool wants_all_frames_ = false;     // a compaction is due with the next job
  std::uint64_t snapshot_asked_ = 0;  // newest request, and the newest one that a job was for
  std::uint64_t snapshot_taken_ = 0;
};

}  // namespace walwrap::replication
