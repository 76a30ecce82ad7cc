// Decides the result of a flush from the last checks alone. Pure.
//
// Ok needs every proof. Without a proof the result is not Ok, and the reason names the missing one.
// Time may still bring it, until the deadline. This is the database's half of the verdict. The
// store's half is decided separately (Replicator::prove), and the worse one counts.
#pragma once

#include <string>

#include "walwrap/replication/mailboxes.hpp"

namespace walwrap::replication {

struct EndSight {
  std::string halted{};            // why replication has stopped; "": it has not
  bool is_database_there = false;  // at the path, and not empty
  bool was_attached = false;       // during this run
  bool is_attached = false;
  bool is_hopeless = false;  // it will not be attached any more
  // For a deleted database: it had commits that were found and not stored.
  bool has_left_unstored = false;
  Txid txid{};          // what the replica holds
  std::string error{};  // what prevents attaching or storing; "": nothing known

  // For the attached database:
  bool is_file_captured = false;  // the files at the path and their content are the captured ones
  bool is_wal_read = false;       // the WAL index lists nothing that was not read
  bool is_stored = false;         // everything that was read is stored and compared
  bool is_wal_beyond = false;     // the -wal holds a commit beyond the stored position
  std::string doubt{};            // why the content itself cannot be trusted; "": it can
};

struct Verdict {
  FlushOutcome outcome = FlushOutcome::Failed;
  bool is_final = false;  // more time changes nothing
  std::string missing{};  // "" when Ok; a warning when Nothing
};
Verdict decide_verdict(const EndSight& sight);

}  // namespace walwrap::replication
