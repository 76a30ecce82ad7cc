// The only data that crosses between the threads of one database's replication.
//
// capture -> upload: an UploadJob, at most one at a time. upload -> capture: the job's snapshot as
// soon as it is free (SnapshotLease), the reason for an outage, and the answer. main -> both:
// orders. Both -> main: the status, and the report at the end. Clients <-> capture: sync_requests.
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

// In seconds: an upload to a directory is as fast as a disk, one to a store may take a minute.
inline constexpr std::array<double, 12> kUploadSeconds = {.001, .0025, .005, .01, .025, .05,
                                                          .1,   .25,   .5,   1,   5,    30};

// Since the replicator began.
struct UploadCounts {
  std::uint64_t failed = 0;  // returned, to be tried again
  Bytes bytes = 0;           // stored
  Histogram<kUploadSeconds.size()> took{kUploadSeconds};
};

// Everything written before `as_of` is stored. In the WAL of that time it reached up to `wal`.
struct StoredUpTo {
  MonoTime as_of{};
  std::optional<wal::Position> wal{};  // none: not known yet
};

struct ReplicatorStatus {
  Txid txid;            // stored and acknowledged
  Bytes lag_bytes = 0;  // committed, not yet stored
  std::chrono::milliseconds last_put{0};
  bool attached = false;
  DatabaseFiles files{};  // the attached ones, and the known state of the database file
  std::optional<MonoTime> waits_since{};  // the database exists, but cannot be attached yet
  std::string error{};                    // "": none
  Fencing fencing = Fencing::NotKnown;
  StoredUpTo stored{};
  std::optional<WallTime> stored_at{};  // time of the last upload; none: none since the start
  UploadCounts uploads{};
  CheckpointCounts checkpoints{};
  RandomId writer{};  // this process as a writer to the replica
  std::optional<std::chrono::milliseconds> restored_in{};  // by this start; none: no restore
  std::string replica_lost{};    // why the replica is not the one that was written to; "": it is
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
  std::optional<MonoTime> flush{};  // every writer has ended: finish before this time
  bool prove = false;               // everything is stored: check that the replica holds it
  bool quit = false;                // end without a flush
};

// Result of the last check of the replica.
struct ReplicaProof {
  std::string missing{};  // why the newest state cannot be restored from it; "": it can
};

struct Mailboxes {
  static Result<std::unique_ptr<Mailboxes>> create();
  // From the upload thread: why nothing is stored. "": no outage.
  void tell_outage(std::string_view reason);
  // From any thread: requests a check of the replica soon.
  void ask_replica_look(LookAt what);
  // Takes back the snapshot that a job borrows. Called by the capture thread.
  SnapshotLease::Home snapshot_home();
  // Descriptors that wake the capture thread, besides file events.
  std::vector<int> capture_wakers() const {
    return {capture_wakeup.descriptor(), sync_requests->asked().descriptor()};
  }

  os::Handoff<UploadJob> job;
  os::Handoff<std::unique_ptr<sqlite::Snapshot>> snapshot;  // ended, on its way back
  os::Handoff<UploadDone> done;
  os::Published<Orders> orders;
  os::Published<std::string> outage;                  // the last reason
  os::Published<Fencing> fencing{Fencing::NotKnown};  // from the upload thread
  os::Published<Bytes> streamed{0};                   // of the job in flight, so far
  os::Published<bool> moved_back{false};     // the replica has lost uploads: compare everything
  os::Published<bool> looked_at_end{false};  // by the upload thread, after a stop has begun
  os::Published<bool> compacting{false};     // the upload thread runs a compaction: see UploadLoop
  os::Published<ReplicaReport> replica;      // from the upload thread's last check
  os::Published<std::optional<LookAt>> replica_look;  // requested by a client
  os::Handoff<ReplicaProof> proof;      // from the upload thread, after an order to prove
  os::Published<bool> recalled{false};  // the lent snapshot must be returned
  os::Published<ReplicatorStatus> status;
  os::Handoff<FlushReport> report;  // from the capture loop, after it has ended
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
