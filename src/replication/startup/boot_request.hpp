// The input of a start, and its result.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory_lock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/file_note.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/ownership.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/replica/wal_reach.hpp"
#include "walwrap/replication/restore/restore_request.hpp"
#include "walwrap/replication/startup/local_pages.hpp"
#include "walwrap/replication/startup/start_retry.hpp"
#include "walwrap/replication/startup/startup.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// What the walwrap that has the database answers to one that was started for it, too.
enum class OwnerAnswer {
  HandsOver,  // it stops its app, stores the rest, and releases the lock; or would do so
  NotThere,   // it does not listen: it starts, or it stops
};
enum class AskFor { Consent, Handover };  // whether it would, which changes nothing; or to do it
// Errors: Mismatch (it refuses: why, and what to type). Empty: nobody is asked.
using AskOwner = std::function<Result<OwnerAnswer>(AskFor)>;

struct BootRequest {
  os::Path database;
  std::string replica;  // URL, for people
  KeyStyle style = KeyStyle::Directory;
  StoreFactory open_store;  // stores that repeat calls without an answer
  // How long they repeat, from now on.
  std::function<void(const StartWait&)> wait_for_store = [](const StartWait&) {};
  StartPolicy policy;
  Integrity integrity = Integrity::Quick;
  std::chrono::milliseconds start_timeout{300'000};
  AskOwner ask_owner = {};
  std::chrono::milliseconds handover_timeout{35'000};
  bool app_running = false;                 // nothing may be restored or set aside
  std::string damage = {};                  // of the database, found since the last try; "": none
  std::optional<os::FileOwner> owner = {};  // of new files beside the app; none: this user
  Stopped cancelled;
};

// The evidence about the local database before the app continues it. A replica that is reached
// later is compared with it.
struct FoundAtStart {
  WalCommits wal;
  WallTime written{};  // the database file, last
  // Its note, if it is the file whose content was known last.
  std::optional<NotedFile> noted{};
  Txid settled_at() const { return noted ? noted->settled_at : Txid{}; }
  // From the state. nullopt: not searched, because the WAL proves enough or the app runs.
  std::optional<Differences> differences;
};

struct Booted {
  StateDir directory;
  PageSums sums;
  SavedState state;                             // with this run's writer id, saved
  std::unique_ptr<storage::ObjectStore> store;  // null: not reached yet, see reconnect.hpp
  FoundAtStart found = {};                      // of a start without the replica
  // Held for the life of this replicator. nullopt: the file system has no locks.
  std::optional<os::DirectoryLock> lock = {};
  bool has_gap = false;  // the replica lacks files that a snapshot replaces
  // It is not proven that the WAL and the file under it belong together.
  bool is_content_open = false;
  std::optional<std::chrono::milliseconds> restored_in = {};  // none: no restore
};

}  // namespace walwrap::replication
