// Owner of one database's replication: its start, its threads, its final flush.
//
// prepare() is the start (open the store, decide, restore, attach) and runs on the caller's thread.
// start() starts the capture and upload threads. flush() is the end. One thread, the replicator
// process's main thread, calls all public functions. The status may be read at any time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory_lock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/capture/checkpoint.hpp"
#include "walwrap/replication/capture_loop.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/replica/points_lister.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/startup/boot.hpp"
#include "walwrap/replication/startup/startup.hpp"
#include "walwrap/replication/upload_loop.hpp"
#include "walwrap/storage/store_counts.hpp"
#include "walwrap/storage/stores/open.hpp"

namespace walwrap::replication {

struct ReplicatorOptions {
  os::Path database;
  RandomId run = {};  // of walwrap, the same for each replicator that init restarts
  storage::Location location;
  // A store that makes one attempt per call. Tests replace it.
  std::function<Result<std::unique_ptr<storage::ObjectStore>>(const storage::Location&,
                                                              const storage::Surroundings&)>
      open_store = storage::open_store;
  StartPolicy policy;
  Integrity integrity = Integrity::Quick;
  std::chrono::milliseconds start_timeout{300'000};
  AskOwner ask_owner = {};  // of a database that another walwrap has, before the app starts
  std::chrono::milliseconds handover_timeout{35'000};
  std::chrono::milliseconds interval{0};  // 0: by kind of store
  Bytes wal_limit = 64ULL << 20;
  BlockingCheckpoints blocking_checkpoints = BlockingCheckpoints::Auto;
  bool app_running = false;  // a restarted replicator: it may not restore, refuse or set aside
  std::optional<os::FileOwner> owner = {};  // of new files beside the app; none: this user
};

class Replicator {
 public:
  // A refusal is an error whose text gives the reason and what to type. Cancelled: `cancelled`
  // returned true, and nothing was left at the final path.
  static Result<std::unique_ptr<Replicator>> prepare(const ReplicatorOptions& options,
                                                     const os::Clock& clock, const Log& log,
                                                     const std::function<bool()>& cancelled);
  ~Replicator();  // ends the threads without a flush
  Replicator(const Replicator&) = delete;
  Replicator& operator=(const Replicator&) = delete;

  Result<void> start();
  // The loops that start() gives threads, for a caller that takes their turns itself, all on its
  // own thread, until flush() returns or this object ends: a simulation. flush() needs them to
  // have turns while it waits. nullopt: nothing is replicated.
  struct Loops {
    CaptureLoop& capture;
    UploadLoop& uploads;
  };
  std::optional<Loops> start_without_threads();
  // A stop has begun: no pacing from now on.
  void hurry();
  // Every writer has ended: captures and uploads the rest, and checkpoints if there is time left.
  // It only gives the order to the threads, so several databases can flush at the same time.
  void begin_flush(MonoTime deadline);
  FlushReport flush(MonoTime deadline);  // begins it if necessary
  ReplicatorStatus status() const;
  // For any thread, while this object exists.
  SyncRequests& sync_requests() { return *mailboxes_->sync_requests; }
  PointsLister& points() { return *points_; }  // for one thread

 private:
  Replicator(const ReplicatorOptions& options, const os::Clock& clock, const Log& log)
      : options_(options), clock_(clock), log_(log) {}
  Result<void> boot_and_attach(const std::function<bool()>& cancelled);
  BootRequest boot_request(Stopped cancelled);
  Result<std::unique_ptr<storage::ObjectStore>> open_store(const Stopped& stopped);
  Result<std::unique_ptr<storage::ObjectStore>> open_to_list(const Stopped& stopped);
  Result<std::unique_ptr<storage::ObjectStore>> open_with(storage::Surroundings surroundings);
  void give_up_replication(const std::string& cause);
  void make_parts(Booted booted, std::unique_ptr<sqlite::CheckpointOwner> owner);
  void on_panic(std::string_view what);
  void prove(FlushReport& report, MonoTime deadline);
  void quit();

  ReplicatorOptions options_;
  const os::Clock& clock_;
  const Log& log_;
  std::unique_ptr<Mailboxes> mailboxes_;
  os::Published<std::optional<StartWait>> start_wait_;
  storage::SharedCounts counts_;
  std::optional<os::DirectoryLock> lock_;  // released last
  std::optional<std::chrono::milliseconds> restored_in_;
  RandomId writer_;
  std::optional<CaptureLoop> capture_;  // destroyed before the mailboxes it uses
  std::optional<Uploader> uploader_;    // destroyed before the owner of a snapshot it may have
  std::optional<UploadLoop> uploads_;
  std::string damage_;  // of the database, found at the start; "": none
  std::string broken_;  // why replication has ended; "": it has not
  os::Published<bool> panicked_{false};
  std::optional<PointsLister> points_;
  os::Thread upload_thread_;
  os::Thread capture_thread_;
};

}  // namespace walwrap::replication
