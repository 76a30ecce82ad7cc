// What a flush has come to, decided from what was looked at last: nothing is believed. Pure.
//
// Ok needs every proof. What is not proven is not Ok, and the reason says which proof is missing;
// time may still bring it, until the deadline. The store's half of the verdict is its owner's; the
// worse of both counts.
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
  // Of a database that is gone: commits that were found and not stored.
  bool has_left_unstored = false;
  Txid txid{};          // what the replica holds
  std::string error{};  // what keeps it from being attached, or stored; "": nothing known

  // Of what is attached:
  bool is_file_captured = false;  // the files at the path, and the content, are what was captured
  bool is_wal_read = false;       // the WAL index publishes nothing that was not read
  bool is_stored = false;         // nothing that was read is pending, on its way or uncompared
  bool is_wal_beyond = false;     // the -wal holds a commit beyond what is stored
  std::string doubt{};            // why the content itself cannot be trusted; "": it can
};

struct Verdict {
  FlushOutcome outcome = FlushOutcome::Failed;
  bool is_final = false;  // more time changes nothing
  std::string missing{};  // "" when Ok; a warning when Nothing
};
Verdict decide_verdict(const EndSight& sight);

}  // namespace walwrap::replication
