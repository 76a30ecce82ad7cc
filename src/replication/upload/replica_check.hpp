// Whether the replica is still the one that we have stored in: looked at, not believed.
//
// A replica is known by its identity and by the slot of the newest upload, whose file names who has
// stored it. A restore needs the chain as well: from TXID 1 to that slot, without a gap. What a
// look has found is judged by a pure function; the looks block in the store, on the thread that
// owns it.
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
  std::vector<RandomId> writers = {};    // who may have stored what came before it
  std::optional<KnownFile> slot = {};    // the file of `txid`, as it was stored
  std::optional<KnownFront> front = {};  // with which the chain began at the last look at it
};

// The newest upload as it is in the store.
struct SlotSight {
  RandomId node;
  std::string damage = {};  // why it is not what was stored; "": it is
};

struct ChainSight {
  Txid newest;                        // 0: no files of a database
  std::optional<RandomId> node = {};  // of the newest file
  std::string gap = {};               // why the newest state cannot be restored; "": it can
  std::string foreign_key = {};       // an object that belongs to nobody known; "": none
  std::optional<KnownFront> front = {};
  std::string front_damage = {};  // why the chain cannot begin with its first file; "": it can
};

struct ReplicaSight {
  std::optional<Identity> identity = {};  // none: it is not there
  std::string identity_damage = {};       // why it cannot be read; "": it can, or is not there
  std::optional<SlotSight> slot = {};     // none: it is not there
  bool has_front = true;                  // false: the file that began the chain is not there, or
                                          // is not as it was
  std::optional<ChainSight> chain = {};   // none: not looked at
};

enum class ReplicaState {
  Ours,       // as we have left it
  Undecided,  // the chain has to be looked at
  Broken,     // ours, but of the files that lead to the newest state some are missing
  Nameless,   // ours by its newest upload, but its identity is missing
  Older,      // ours, but its newest uploads are missing
  Empty,
  Foreign,  // another replica, or damaged
};

struct ReplicaVerdict {
  ReplicaState state = ReplicaState::Undecided;
  std::string reason = {};  // "": Ours
  std::string hint = {};    // what a person can do about it
  Txid newest = {};         // Older: what is there, and who stored it
  RandomId node = {};
};

ReplicaVerdict judge_replica(const ReplicaExpectation& expected, const ReplicaSight& sight);

enum class LookAt {
  Newest,  // identity, newest upload and front of the chain: four requests at most
  Chain,   // the chain as well: a listing
};
// Looks at the chain also where the rest does not tell. Errors: the store's.
Result<ReplicaSight> look_at(storage::ObjectStore& store, KeyStyle style,
                             const ReplicaExpectation& expected, LookAt what);

// The independent look of a last verdict: an error says why the newest state that we have stored
// could not be restored from there.
Result<void> verify_replica(storage::ObjectStore& store, KeyStyle style,
                            const ReplicaExpectation& expected);

}  // namespace walwrap::replication
