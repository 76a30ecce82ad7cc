// Owner of one database's replication: its start, its threads, its final flush.
//
// prepare() is the start of design section 3 (open the store, decide, restore, attach) and runs on
// the caller's thread; start() begins capture and upload on threads of their own; flush() is the
// end. All public functions are called by one thread, the replicator process's main one; the
// status may be read at any time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/capture/checkpoint.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/replica/points_lister.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/startup/startup.hpp"
#include "walwrap/storage/stores/open.hpp"

namespace walwrap::replication {

struct ReplicatorOptions {
  os::Path database;
  RandomId run = {};  // of walwrap, the same for each replicator that it restarts
  storage::Location location;
  // Stores whose calls are one attempt each; a test has its own.
  std::function<Result<std::unique_ptr<storage::ObjectStore>>(const storage::Location&,
                                                              const storage::Surroundings&)>
      open_store = storage::open_store;
  StartPolicy policy;
  Integrity integrity = Integrity::Quick;
  std::chrono::milliseconds start_timeout{300'000};
  std::chrono::milliseconds interval{0};  // 0: by kind of store
  Bytes wal_limit = 64ULL << 20;
  BlockingCheckpoints blocking_checkpoints = BlockingCheckpoints::Auto;
  bool app_running = false;  // a restart of ours: nothing may be restored, refused or set aside
  std::optional<os::FileOwner> owner = {};  // of what is made beside the app; none: us
};

class Replicator {
 public:
  // Refusals come back as errors whose text says why and what to type. Cancelled: `cancelled`
  // said so, and nothing was left at the final path.
  static Result<std::unique_ptr<Replicator>> prepare(const ReplicatorOptions& options,
                                                     const os::Clock& clock, const Log& log,
                                                     const std::function<bool()>& cancelled);
  ~Replicator();  // ends the threads without a flush

  Result<void> start();
  // A stop has begun: no pacing from now on.
  void hurry();
  // Every writer is gone: captures and uploads what is left, checkpoints if time is left. On the
  // threads that are there: several databases begin, and then each is waited for.
  void begin_flush(MonoTime deadline);
  FlushReport flush(MonoTime deadline);  // begins it, if need be
  ReplicatorStatus status() const;
  // For any thread, as long as this object is.
  SyncRequests& sync_requests();
  PointsLister& points();  // one thread asks

 private:
  class Impl;
  explicit Replicator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace walwrap::replication
