// What a start checks before it decides, and again after each step that takes time: no other
// process has the database, and the basis of the decision is unchanged.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory_lock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/startup/boot_request.hpp"
#include "walwrap/replication/startup/inspection.hpp"
#include "walwrap/replication/startup/startup.hpp"

namespace walwrap::replication {

struct LockWait {
  const os::Path& database;
  MonoTime give_up;
  // Between two tries; its error ends the wait.
  std::function<Result<void>(std::chrono::milliseconds)> pause;
  std::function<Result<OwnerAnswer>()> ask_owner = {};  // to hand over; empty: nobody is asked
  std::chrono::milliseconds handover_timeout{0};  // from the owner's answer on, or without one
};
// Takes the lock of the state directory, which the replicating process holds for its life. Asks its
// holder for it once, and waits. nullopt: the file system has no such locks. Busy: the time is
// over. Mismatch: the holder refuses, or does not hand over in time.
Result<std::optional<os::DirectoryLock>> lock_state_directory(const os::Path& directory,
                                                              const LockWait& wait,
                                                              const os::Clock& clock,
                                                              const Log& log);

// The refusal of a database whose page size differs from the stored one: the store would refuse
// each upload.
std::optional<StartDecision> other_page_size(const os::Path& database,
                                             const ReplicaInspection& replica,
                                             const std::optional<SavedState>& state);

// The database file as it was found. nullopt: there is none.
using FoundFile = std::optional<os::FileStatus>;
FoundFile find_file(const os::Path& database);

// Busy: the file or the replica has changed since the inspection. Decide again.
Result<void> check_nothing_changed(const os::Path& database, const FoundFile& found,
                                   const ReplicaInspection& replica, KeyStyle style);

// The note of the database file, if it is the file whose content was known last, without a change
// since.
std::optional<NotedFile> noted_file(const os::Path& database, const StateDir& directory);
inline constexpr std::string_view kOtherFile =
    "the database file is not the one that its WAL belongs to: it was replaced, cut or put back";

// A WAL of an unknown generation may belong to another file, and an unknown file may belong to
// another WAL.
bool is_content_open(const FoundAtStart& found, Reach reach);

// For a database that is behind what is stored.
std::string_view why_behind(const SavedState& state, const ReplicaInspection& replica,
                            const WalCommits& wal);

}  // namespace walwrap::replication
