// What to do at start, given what was found: the whole table, as a pure function.
//
// Rows are the local database, columns the replica. Nothing is ever overwritten on a guess: each
// Refuse says why and what to type.
#pragma once

#include <string>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

enum class LocalFinding {
  None,      // no database file
  Known,     // its state names this replica's lineage; equal to it, or ahead
  Behind,    // its state names this lineage, and it holds less than what was stored
  Unknown,   // a database without a state, or with one that another writer continued
  Diverged,  // state of another lineage, or both sides went on from where they agreed
};

enum class ReplicaFinding {
  Empty,        // proven: listed, nothing there, and we could write our identity
  Present,      // listed, a plan to restore exists
  Unreachable,  // no answer, or no rights
  Damaged,      // a broken file, a gap, or contents that are not ours to touch
};

enum class OnDiverged { Refuse, UseReplica, UseLocal };

struct StartPolicy {
  OnDiverged on_diverged = OnDiverged::Refuse;
  bool allow_empty_replica = false;
};

enum class StartAction {
  StartEmpty,          // the app starts and creates the database
  StartAndContinue,    // upload only what changed
  StartAndUploadAll,   // first upload is a full image at the next TXID
  StartUnconnected,    // keep trying to reach the replica; report the lag
  Restore,             // restore, verify, start
  SetAsideAndRestore,  // the local file gets another name first
  CompareFirst,        // restore into a scratch file and compare: equal is StartAndContinue
  Retry,               // try again until --start-timeout, then refuse
  Refuse,
};

struct StartDecision {
  StartAction action = StartAction::Refuse;
  std::string reason;  // Refuse, Retry: what is wrong
  std::string hint;    // Refuse, Retry: what to type
};

StartDecision decide_start(LocalFinding local, ReplicaFinding replica, const StartPolicy& policy);

// After CompareFirst, with the databases unequal.
StartDecision decide_unequal(const StartPolicy& policy);

}  // namespace walwrap::replication
