// What is there: the replica looked at, the local database looked at, and the names that the start
// decision has for both.
//
// Blocks in the store; changes nothing. Owned by whoever asks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/ownership.hpp"
#include "walwrap/replication/plan.hpp"
#include "walwrap/replication/restore.hpp"
#include "walwrap/replication/startup.hpp"
#include "walwrap/replication/state.hpp"

namespace walwrap::replication {

struct ReplicaLook {
  ReplicaFinding finding = ReplicaFinding::Unreachable;
  std::string why;                              // of Unreachable and Damaged
  std::unique_ptr<storage::ObjectStore> store;  // null: could not be opened
  std::vector<StoredFile> files;
  std::optional<Identity> identity;
  ReplicaExtent extent;
  bool is_whole = true;                   // false: `files` are the uploads since the state, and
                                          // there is no plan
  RestorePlan plan;                       // Present: to the newest state
  std::optional<RandomId> node_at_state;  // who stored the TXID that our state names, if known
  StoredFile newest_file;                 // Present: of the plan, or of what was looked at
  ltx::Header newest;                     // Present: its header
};
// All of it, or only what the newest state is restored from, for a host that has nothing.
enum class LookFor { Everything, NewestState };
ReplicaLook look_at_replica(const StoreFactory& open_store, const Stopped& stopped, KeyStyle style,
                            LookFor what = LookFor::Everything);

// Looks only at the upload that our state names and at those after it, in three requests however
// much is stored. Enough to go on after it, and for nothing else: Damaged then also means that they
// do not tell.
ReplicaLook look_since(Txid known, const StoreFactory& open_store, const Stopped& stopped,
                       KeyStyle style);

// Fills `node_at_state`.
void look_at_slot(const SavedState& state, KeyStyle style, ReplicaLook& replica);

// True: every page of the database is as in `sums`, which has `pages` of them. Opens the database
// as attaching does, and closes it again. Only while no other connection of ours is open (Law 1).
Result<bool> equals_sums(const os::Path& database, const PageSums& sums, std::uint32_t pages,
                         const os::Clock& clock);

// A crash leaves the state at most this far behind what its writer has stored.
inline constexpr std::uint64_t kMostUnsavedUploads = 4096;

// `unchanged` is asked only where it matters: the replica went on without us, so did we? Pure but
// for that.
LocalFinding classify_local(bool database_exists, const std::optional<SavedState>& state,
                            const ReplicaLook& replica, const std::function<bool()>& unchanged);

// Brings `state` and `sums` up to what its writer has stored since they were saved.
Result<void> catch_up(const ReplicaLook& replica, KeyStyle style, SavedState& state,
                      PageSums& sums);

}  // namespace walwrap::replication
