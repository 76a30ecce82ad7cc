// Checks whether the replica is still the one that this run stored in.
//
// A replica is identified by its identity and by the slot of the newest upload, whose file names
// its writer. A restore also needs the chain: from TXID 1 to that slot without a gap. A pure
// function judges what a check has read. The checks block in the store, on the thread that owns the
// store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/replica/known_files.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/ownership.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

struct ReplicaExpectation {
  RandomId lineage;
  Txid txid;                             // of the newest upload; 0: nothing is stored
  RandomId stored_by;                    // node id of its file
  std::vector<RandomId> writers = {};    // writers that may have stored the earlier files
  std::optional<KnownFile> slot = {};    // the file of `txid`, as it was stored
  std::optional<KnownFront> front = {};  // the first file of the chain at the last check
};

// The newest upload in the store.
struct SlotSight {
  RandomId node;
  std::string damage = {};  // why it is not what was stored; "": it is
};

struct ChainSight {
  Txid newest;                        // 0: no files of a database
  std::optional<RandomId> node = {};  // of the newest file
  std::string gap = {};               // why the newest state cannot be restored; "": it can
  std::string foreign_key = {};       // an object without a known owner; "": none
  std::optional<KnownFront> front = {};
  std::string front_damage = {};  // why the chain cannot begin with its first file; "": it can
};

struct ReplicaSight {
  std::optional<Identity> identity = {};  // none: it does not exist
  std::string identity_damage = {};       // why it cannot be read; "": it can, or does not exist
  std::optional<SlotSight> slot = {};     // none: it does not exist
  bool has_front = true;                  // false: the file that began the chain is missing, or
                                          // has changed
  std::optional<ChainSight> chain = {};   // none: not checked
};

enum class ReplicaState {
  Ours,       // as this run left it
  Undecided,  // the chain must be checked
  Broken,     // the right one, but files that lead to the newest state are missing
  Nameless,   // the right one by its newest upload, but its identity is missing
  Older,      // the right one, but its newest uploads are missing
  Empty,
  Foreign,  // another replica, or damaged
};

struct ReplicaVerdict {
  ReplicaState state = ReplicaState::Undecided;
  std::string reason = {};  // "": Ours
  std::string hint = {};    // what the user can do
  Txid newest = {};         // Older: what is there, and who stored it
  RandomId node = {};
};

ReplicaVerdict judge_replica(const ReplicaExpectation& expected, const ReplicaSight& sight);

enum class LookAt {
  Newest,  // identity, newest upload and first file: at most four requests
  Chain,   // also the chain: a listing
};
// Also checks the chain if the rest does not decide. Errors: the store's.
Result<ReplicaSight> look_at(storage::ObjectStore& store, KeyStyle style,
                             const ReplicaExpectation& expected, LookAt what);

// The independent check for a final verdict. The error says why the newest stored state could not
// be restored from the replica.
Result<void> verify_replica(storage::ObjectStore& store, KeyStyle style,
                            const ReplicaExpectation& expected);

}  // namespace walwrap::replication
