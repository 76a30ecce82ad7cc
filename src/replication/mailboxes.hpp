// What crosses between the threads of one database's replication, and nothing else does.
//
// capture -> upload: an UploadJob, at most one at a time. upload -> capture: its snapshot as soon
// as it is free (SnapshotLease), what keeps it from storing anything, then what became of the job.
// main -> both: orders. Both -> main: the status, and at the end the report. Clients <-> capture:
// sync_requests.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/flush_outcome.hpp"
#include "walwrap/base/histogram.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/capture/checkpointer.hpp"
#include "walwrap/replication/capture/database_files.hpp"
#include "walwrap/replication/replica/ownership.hpp"
#include "walwrap/replication/sync_requests.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/replica_watch.hpp"
#include "walwrap/sqlite/snapshot.hpp"
#include "walwrap/storage/store_counts.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

// In seconds: an upload to a directory is as quick as a disk, one to a store may take a minute.
inline constexpr std::array<double, 12> kUploadSeconds = {.001, .0025, .005, .01, .025, .05,
                                                          .1,   .25,   .5,   1,   5,    30};

// Since the replicator began.
struct UploadCounts {
  std::uint64_t failed = 0;  // given back, to be tried again
  Bytes bytes = 0;           // stored
  Histogram<kUploadSeconds.size()> took{kUploadSeconds};
};

// What was written before `as_of` is stored; in the WAL of then, that was everything up to `wal`.
struct StoredUpTo {
  MonoTime as_of{};
  std::optional<wal::Position> wal{};  // none: not known yet
};

struct ReplicatorStatus {
  Txid txid;            // stored and acknowledged
  Bytes lag_bytes = 0;  // committed, not yet stored
  std::chrono::milliseconds last_put{0};
  bool attached = false;
  DatabaseFiles files{};  // those that are attached, and the database file as it is known
  std::optional<MonoTime> waits_since{};  // the database is there, but cannot be attached yet
  std::string error{};                    // "": none
  Fencing fencing = Fencing::NotKnown;
  StoredUpTo stored{};
  std::optional<WallTime> stored_at{};  // when the last upload was; none: none since the start
  UploadCounts uploads{};
  CheckpointCounts checkpoints{};
  RandomId writer{};                                       // who writes to the replica: we
  std::optional<std::chrono::milliseconds> restored_in{};  // by this start; none: it was there
  std::string replica_lost{};    // why the replica is not the one we stored in; "": it is
  storage::StoreCounts store{};  // of all connections, since the start
  std::optional<double> request_dollars{};  // of these; none: no known price
};

struct FlushReport {
  FlushOutcome outcome = FlushOutcome::Failed;
  Txid txid{};
  Bytes lag_bytes = 0;
  bool checkpointed = false;
  std::string missing{};  // what is not stored and why; "" when Ok
  Fencing fencing = Fencing::NotKnown;
};

struct Orders {
  bool hurry = false;               // a stop has begun: no pace
  std::optional<MonoTime> flush{};  // every writer is gone: finish until then
  bool prove = false;               // all is stored: look whether the replica holds it
  bool quit = false;                // end without a flush
};

// What the last look at the replica has found.
struct ReplicaProof {
  std::string missing{};  // why the newest state could not be restored from there; "": it could
};

struct Mailboxes {
  static Result<std::unique_ptr<Mailboxes>> create();
  // Of the upload thread: why nothing is stored; "": it is.
  void tell_outage(std::string_view reason);
  // Of any thread: the replica is to be looked at soon.
  void ask_replica_look(LookAt what);
  // The way home of the snapshot that a job takes along. Of the capture thread.
  SnapshotLease::Home snapshot_home();
  // What wakes the capture thread, besides events of files.
  std::vector<int> capture_wakers() const {
    return {capture_wakeup.descriptor(), sync_requests->asked().descriptor()};
  }

  os::Handoff<UploadJob> job;
  os::Handoff<std::unique_ptr<sqlite::Snapshot>> snapshot;  // ended, on its way home
  os::Handoff<UploadDone> done;
  os::Published<Orders> orders;
  os::Published<std::string> outage;                  // what was told last
  os::Published<Fencing> fencing{Fencing::NotKnown};  // of the upload thread
  os::Published<Bytes> streamed{0};                   // of the job that is out, by now
  os::Published<bool> moved_back{false};              // what was stored is no longer: compare all
  os::Published<bool> looked_at_end{false};           // the upload thread, once a stop has begun
  os::Published<bool> compacting{false};              // by the upload thread: see UploadLoop
  os::Published<ReplicaReport> replica;               // of the upload thread's last look at it
  os::Published<std::optional<LookAt>> replica_look;  // that a client has asked for
  os::Handoff<ReplicaProof> proof;                    // of the upload thread, when told to prove
  os::Published<bool> recalled{false};                // the snapshot that is out: wanted back
  os::Published<ReplicatorStatus> status;
  os::Handoff<FlushReport> report;  // of the capture loop, when it has ended
  std::unique_ptr<SyncRequests> sync_requests;
  os::Wakeup capture_wakeup;
  os::Wakeup upload_wakeup;
  os::Wakeup main_wakeup;

 private:
  Mailboxes(std::unique_ptr<SyncRequests> questions, os::Wakeup capture, os::Wakeup upload,
            os::Wakeup main)
      : sync_requests(std::move(questions)),
        capture_wakeup(std::move(capture)),
        upload_wakeup(std::move(upload)),
        main_wakeup(std::move(main)) {}
};

}  // namespace walwrap::replication
