// What clients request of one database's replication while it runs, and what it publishes.
//
// A commit is identified by its position: the file, the attachment to it, and the number of commits
// found there so far. The capture thread counts. Clients compare counts and need not know frames,
// which a checkpoint invalidates. To learn what is committed now, take a ticket and wait until a
// look has covered it.
//
// ask_look() and the published values are for any thread; the rest is for the capture thread.
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

// "<file, 16 hex digits>-<attachment, 16 hex digits>-<commits, decimal>". Clients return it
// unchanged.
struct CommitPosition {
  RandomId file;        // the same while the database file and this run of walwrap are the same
  RandomId attachment;  // the same while commits are counted without a break
  std::uint64_t commits = 0;
  bool operator==(const CommitPosition&) const = default;
};
std::string format_position(const CommitPosition& position);
std::optional<CommitPosition> parse_position(std::string_view text);

// Result of the newest requested snapshot.
struct SnapshotDone {
  std::uint64_t ticket = 0;  // every ticket up to this one is answered
  Txid txid;                 // the state that it leads to
  Bytes bytes = 0;           // of its file
  std::optional<WallTime> stored_at = {};
  std::string error = {};  // why it was not stored; "": it was stored
  bool operator==(const SnapshotDone&) const = default;
};

struct Progress {
  std::uint64_t looked = 0;  // every ticket up to this one was covered by a look
  bool attached = false;     // false: the file is unknown or missing
  CommitPosition committed;  // as of that look, or a later one
  std::uint64_t stored = 0;  // how many of these commits are stored
  Txid txid;                 // restoring to this TXID gives these commits
  std::string halted;        // why replication has ended; "": it has not
  SnapshotDone snapshot = {};
  bool is_proven = true;  // false: it must be checked that the replica still holds the commits
  bool operator==(const Progress&) const = default;
};

struct Requested {
  std::uint64_t look = 0;       // newest ticket
  std::uint64_t store_now = 0;  // newest ticket whose commits skip the pace
  std::uint64_t snapshot = 0;   // newest ticket that asks for a snapshot
  bool listening = false;       // a client waits for progress
};

class SyncRequests {
 public:
  static Result<std::unique_ptr<SyncRequests>> create();

  enum class Pace { Usual, StoreNow };
  // A ticket. The commits acknowledged before this call count as committed when `looked` reaches
  // the ticket.
  std::uint64_t ask_look(Pace pace);
  // A ticket that Progress::snapshot will reach.
  std::uint64_t ask_snapshot();
  Progress progress() const { return progress_.get(); }
  // No client waits any more, until the next ticket.
  void stop_listening();
  // Readable after progress while a client waits. Drain it before you read the progress.
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
