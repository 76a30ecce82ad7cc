// Decides what to do at the start from what was found: the whole table as a pure function.
//
// Rows are the local database, columns the replica. Nothing is ever overwritten on a guess. Each
// Refuse says why and what to type.
#pragma once

#include <string>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

enum class LocalFinding {
  None,      // no database file
  Known,     // its state names this replica's lineage; equal to it or ahead of it
  Behind,    // its state names this lineage; it holds less than what is stored
  Unknown,   // a database without a state, or one that another writer continued
  Diverged,  // state of another lineage, or both sides continued a common state
};

enum class ReplicaFinding {
  Empty,        // proven: listed, empty, and an identity could be written
  Present,      // listed, a plan to restore exists
  Unreachable,  // no answer or no rights
  Damaged,      // a damaged file, a gap, or foreign content
};

enum class OnDiverged { Refuse, UseReplica, UseLocal };

struct StartPolicy {
  OnDiverged on_diverged = OnDiverged::Refuse;
  bool allow_empty_replica = false;
};

enum class StartAction {
  StartEmpty,          // the app starts and creates the database
  StartAndContinue,    // upload only what changed
  StartAndUploadAll,   // the first upload is a full image at the next TXID
  StartUnconnected,    // keep trying to reach the replica; report the lag
  Restore,             // restore, verify, start
  SetAsideAndRestore,  // the local file is renamed first
  CompareFirst,        // restore into a scratch file and compare: if equal, StartAndContinue
  Retry,               // try again until --start-timeout, then refuse
  Refuse,
};

struct StartDecision {
  StartAction action = StartAction::Refuse;
  std::string reason;  // Refuse, Retry: what is wrong
  std::string hint;    // Refuse, Retry: what to type
};

StartDecision decide_start(LocalFinding local, ReplicaFinding replica, const StartPolicy& policy);

// After CompareFirst, if the databases are not equal.
StartDecision decide_unequal(const StartPolicy& policy);

}  // namespace walwrap::replication
