// Inspects the replica and the local database, and gives both the names that the start decision
// uses.
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
  std::string reason;                           // if Unreachable or Damaged
  Code code = Code::Unavailable;                // if Unreachable: Denied and Invalid are permanent
  std::unique_ptr<storage::ObjectStore> store;  // null: could not be opened
  std::vector<StoredFile> files;
  std::optional<Identity> identity;
  ReplicaExtent extent;
  bool is_whole = true;                   // false: `files` are the uploads since the state, and
                                          // there is no plan
  bool has_gap = false;                   // Damaged: only because files of the chain are missing
  RestorePlan plan;                       // Present: leads to the newest state
  std::optional<RandomId> node_at_state;  // writer of the TXID in the local state, if known
  StoredFile newest_file;                 // Present: from the plan, or from the files inspected
  ltx::Header newest;                     // Present: its header
  std::optional<KnownFront> front = {};   // of the plan, if it was inspected
};
// Everything, or only the files for the newest state, for a machine without a database.
enum class LookFor { Everything, NewestState };
ReplicaInspection inspect_replica(const StoreFactory& open_store, const Stopped& stopped,
                                  KeyStyle style, LookFor what = LookFor::Everything);

// Inspects only the upload in the local state and those after it, with three requests however much
// is stored. This is enough to continue after it, and for nothing else: Damaged then also means
// that these files do not decide.
ReplicaInspection inspect_since(Txid known, const StoreFactory& open_store, const Stopped& stopped,
                                KeyStyle style);

// Fills `node_at_state`.
void inspect_slot(const SavedState& state, KeyStyle style, ReplicaInspection& replica);

// For a directory, where it is free: checks that the first file of the plan and the newest upload
// are complete and the known ones. Damaged: they are not. A bad first file is a gap, which a
// snapshot fills.
void inspect_ends(const SavedState& state, KeyStyle style, ReplicaInspection& replica);

// After a crash the state is at most this far behind what its writer has stored.
inline constexpr std::uint64_t kMostUnsavedUploads = 4096;

// Evidence from the local files, read only if it matters.
struct LocalEvidence {
  WalCommits wal = {};  // as found before any process changed it
  // The database file is the one whose content was known last. Otherwise the WAL proves its own
  // commits, and nothing about the file under it.
  bool is_file_known = true;
  // The file holds all that was stored up to here, and what was committed after it. 0: not known.
  Txid settled_at{};
  // The pages equal those at the time when the state was saved.
  std::function<bool()> is_unchanged = [] { return false; };
  // How they relate to the newest state of the replica, without the pages that the WAL holds in
  // commits after `position`, if given. nullopt: not known yet.
  std::function<std::optional<PagesFound>(const std::optional<wal::Position>& position)> pages =
      [](const auto&) { return std::optional<PagesFound>(); };
  WallTime written{};  // when the database file was last written
};

// Pure except for what `evidence` reads.
//
// If this writer, or an earlier one of this disk, stored the newest state, the local database is
// equal to it, ahead of it, or behind it because the disk lost writes or was restored. The WAL
// proves which. If it cannot, a state that was saved clean at that TXID means an edit. Otherwise
// the pages decide. A page as it was stored earlier means that the WAL with the newer one is lost.
LocalFinding classify_local(bool database_exists, const std::optional<SavedState>& state,
                            const ReplicaInspection& replica, const LocalEvidence& evidence);

// Where the newest stored state is in the WAL. Proven names the position.
ReachFound reach_of_newest(const SavedState& state, const ReplicaInspection& replica,
                           const WalCommits& wal);

// `differences` are between the local database and `sums`, which belong to the state or a later
// one.
Result<PagesFound> relate_to_newest(Differences differences, const SavedState& state,
                                    const PageSums& sums, const ReplicaInspection& replica,
                                    KeyStyle style);

// The uploads after this one, in order.
std::vector<StoredFile> uploads_after(Txid txid, const std::vector<StoredFile>& files);

// Adds to `state` and `sums` what its writer has stored since they were saved.
Result<void> catch_up(const ReplicaInspection& replica, KeyStyle style, SavedState& state,
                      PageSums& sums);

}  // namespace walwrap::replication
