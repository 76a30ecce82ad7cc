// What a start is given, and what it leads to.
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

struct BootRequest {
  os::Path database;
  std::string replica;  // URL, for people
  KeyStyle style = KeyStyle::Directory;
  StoreFactory open_store;  // stores that repeat what has no answer
  // How long they do, from now on.
  std::function<void(const StartWait&)> wait_for_store = [](const StartWait&) {};
  StartPolicy policy;
  Integrity integrity = Integrity::Quick;
  std::chrono::milliseconds start_timeout{300'000};
  bool app_running = false;  // nothing may be restored or set aside
  std::string damage = {};   // of the database, found since the last try; "": none is known
  std::optional<os::FileOwner> owner = {};  // of what is made beside the app; none: us
  Stopped cancelled;
};

// What was found of the local database before the app went on with it: what a replica that is
// reached only later is compared with.
struct FoundAtStart {
  WalCommits wal;
  WallTime written{};  // the database file, last
  // Its note, if it is the file whose content was known last.
  std::optional<NotedFile> noted{};
  // From the state; nullopt: not looked for, because the WAL proves enough, or the app runs.
  std::optional<Differences> differences;
};

struct Booted {
  StateDir directory;
  PageSums sums;
  SavedState state;                             // with this run's writer id, saved
  std::unique_ptr<storage::ObjectStore> store;  // null: not reached yet, see reconnect.hpp
  FoundAtStart found = {};                      // of a start without the replica
  // Held for as long as this replicator lives. nullopt: the file system has none.
  std::optional<os::DirectoryLock> lock = {};
  bool has_gap = false;  // the replica lacks files that a snapshot replaces
  // The WAL and the file under it may not belong together: nothing proves that they do.
  bool is_content_open = false;
  std::optional<std::chrono::milliseconds> restored_in = {};  // none: nothing was restored
};

}  // namespace walwrap::replication
