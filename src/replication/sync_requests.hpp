// What is asked of one database's replication while it runs, and what it lets be known.
//
// A commit is known by its position: which file, which attachment to it, and how many commits were
// found there so far. The capture thread counts; clients compare counts, and never have to
// know frames, which a checkpoint ends. To learn what is committed by now, take a ticket and wait
// until it was looked for.
//
// ask_look() and what is published are for any thread; the rest is the capture thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::replication {

// "<file, 16 hex digits>-<attachment, 16 hex digits>-<commits, decimal>"; clients hand it back as
// it is.
struct CommitPosition {
  RandomId file;        // the same as long as the database file and this run of walwrap are
  RandomId attachment;  // the same as long as commits are counted without a break
  std::uint64_t commits = 0;
  bool operator==(const CommitPosition&) const = default;
};
std::string format_position(const CommitPosition& position);
std::optional<CommitPosition> parse_position(std::string_view text);

// What became of the newest requested snapshot.
struct SnapshotDone {
  std::uint64_t ticket = 0;  // every one up to this is answered
  Txid txid;                 // that it leads to
  Bytes bytes = 0;           // of its file
  std::optional<WallTime> stored_at = {};
  std::string error = {};  // why it was not stored; "": it was
  bool operator==(const SnapshotDone&) const = default;
};

struct Progress {
  std::uint64_t looked = 0;  // every ticket up to this one was looked for
  bool attached = false;     // false: nothing is known of the file, or there is none
  CommitPosition committed;  // as of that look, or a later one
  std::uint64_t stored = 0;  // of those commits
  Txid txid;                 // a restore to which has them
  std::string halted;        // why nothing will be stored any more; "": it will
  SnapshotDone snapshot = {};
  bool is_proven = true;  // false: it has to be looked whether the replica still holds that
  bool operator==(const Progress&) const = default;
};

struct Requested {
  std::uint64_t look = 0;       // newest ticket
  std::uint64_t store_now = 0;  // newest ticket whose commits are not to wait for the pace
  std::uint64_t snapshot = 0;   // newest ticket that asks for a snapshot
  bool listening = false;       // a client waits for progress
};

class SyncRequests {
 public:
  static Result<std::unique_ptr<SyncRequests>> create();

  enum class Pace { Usual, StoreNow };
  // A ticket. The commits that were acknowledged before this call are among those that are
  // committed once `looked` has reached it.
  std::uint64_t ask_look(Pace pace);
  // A ticket that Progress::snapshot will reach.
  std::uint64_t ask_snapshot();
  Progress progress() const { return progress_.get(); }
  // Nobody waits any more, until the next ticket.
  void stop_listening();
  // Can be read when there was progress and a client waits; drain it before the look.
  os::Wakeup& progressed() { return progressed_; }

  Requested requested() const { return requested_.get(); }
  os::Wakeup& asked() { return asked_; }
  void publish(const Progress& progress);

 private:
  SyncRequests(os::Wakeup asked, os::Wakeup progressed)
      : asked_(std::move(asked)), progressed_(std::move(progressed)) {}

  os::Wakeup asked_;
  os::Wakeup progressed_;
  os::Published<Requested> requested_;
  os::Published<Progress> progress_;
};

}  // namespace walwrap::replication
