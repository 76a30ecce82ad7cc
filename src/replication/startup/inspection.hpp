// What is there: the replica looked at, the local database looked at, and the names that the start
// decision has for both.
//
// Blocks in the store; changes nothing. Owned by the caller.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/replication/replica/ownership.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/replica/wal_reach.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/startup/local_pages.hpp"
#include "walwrap/replication/startup/startup.hpp"

namespace walwrap::replication {

struct ReplicaInspection {
  ReplicaFinding finding = ReplicaFinding::Unreachable;
  std::string reason;                           // of Unreachable and Damaged
  Code code = Code::Unavailable;                // of Unreachable: Denied and Invalid do not pass by
  std::unique_ptr<storage::ObjectStore> store;  // null: could not be opened
  std::vector<StoredFile> files;
  std::optional<Identity> identity;
  ReplicaExtent extent;
  bool is_whole = true;                   // false: `files` are the uploads since the state, and
                                          // there is no plan
  bool has_gap = false;                   // Damaged: files of the chain are missing, no more
  RestorePlan plan;                       // Present: to the newest state
  std::optional<RandomId> node_at_state;  // who stored the TXID that our state names, if known
  StoredFile newest_file;                 // Present: of the plan, or of what was looked at
  ltx::Header newest;                     // Present: its header
  std::optional<KnownFront> front = {};   // of the plan, if it was looked at
};
// All of it, or only what the newest state is restored from, for a host that has nothing.
enum class LookFor { Everything, NewestState };
ReplicaInspection inspect_replica(const StoreFactory& open_store, const Stopped& stopped,
                                  KeyStyle style, LookFor what = LookFor::Everything);

// Looks only at the upload that our state names and at those after it, in three requests however
// much is stored. Enough to go on after it, and for nothing else: Damaged then also means that they
// do not tell.
ReplicaInspection inspect_since(Txid known, const StoreFactory& open_store, const Stopped& stopped,
                                KeyStyle style);

// Fills `node_at_state`.
void inspect_slot(const SavedState& state, KeyStyle style, ReplicaInspection& replica);

// Of a directory, where it costs nothing: whether the first file of the plan and the newest upload
// are whole, and as the state knows them. Damaged: they are not. A first file is a gap, which a
// snapshot fills.
void inspect_ends(const SavedState& state, KeyStyle style, ReplicaInspection& replica);

// A crash leaves the state at most this far behind what its writer has stored.
inline constexpr std::uint64_t kMostUnsavedUploads = 4096;

// What the local files tell, asked only where it matters.
struct LocalEvidence {
  WalCommits wal = {};  // as found before anybody went on with it
  // The database file is the one whose content was known last. Else the WAL proves its own commits,
  // and nothing about the file under them.
  bool is_file_known = true;
  // The file holds all that was stored up to here, and what was committed after it; 0: not known.
  Txid settled_at{};
  // The pages are as they were when the state was saved.
  std::function<bool()> is_unchanged = [] { return false; };
  // How they relate to the newest state of the replica, without those that the WAL holds in commits
  // after `position`, if there is one; nullopt: unknown for now.
  std::function<std::optional<PagesFound>(const std::optional<wal::Position>& position)> pages =
      [](const auto&) { return std::optional<PagesFound>(); };
  WallTime written{};  // when the database file was written to last
};

// Pure but for what it asks.
//
// Where this writer, or an earlier one of this disk, stored the newest state, the local database is
// where that state was read from: there, ahead, or behind it, if the disk lost what was not synced
// or was put back. The WAL proves which. Where it does not, a state that was saved clean at that
// TXID means an edit; else the pages tell. A page as it was stored earlier means that the WAL which
// held the newer one is lost.
LocalFinding classify_local(bool database_exists, const std::optional<SavedState>& state,
                            const ReplicaInspection& replica, const LocalEvidence& evidence);

// Where in the WAL found the newest stored state is; Proven names the position.
ReachFound reach_of_newest(const SavedState& state, const ReplicaInspection& replica,
                           const WalCommits& wal);

// `differences` are between the local database and `sums`, which are of the state or later.
Result<PagesFound> relate_to_newest(Differences differences, const SavedState& state,
                                    const PageSums& sums, const ReplicaInspection& replica,
                                    KeyStyle style);

// The uploads after this one, in order.
std::vector<StoredFile> uploads_after(Txid txid, const std::vector<StoredFile>& files);

// Brings `state` and `sums` up to what its writer has stored since they were saved.
Result<void> catch_up(const ReplicaInspection& replica, KeyStyle style, SavedState& state,
                      PageSums& sums);

}  // namespace walwrap::replication
