// Copies of SQLite: an app that runs in this process has the state that it would have as a process
// of its own. SQLite keeps one list of open files and locks for each process, that is for each copy
// of its library. The build renames what the static library defines, once for each app.
#pragma once

#include <sqlite3.h>

namespace walwrap::simulation {

struct SqliteCopy {
  decltype(&::sqlite3_open_v2) open;
  decltype(&::sqlite3_close_v2) close;
  decltype(&::sqlite3_exec) exec;
  decltype(&::sqlite3_busy_handler) set_busy_handler;
  decltype(&::sqlite3_errmsg) message;
  decltype(&::sqlite3_extended_errcode) code;
  decltype(&::sqlite3_wal_checkpoint_v2) checkpoint;
  decltype(&::sqlite3_get_autocommit) is_autocommit;
  decltype(&::sqlite3_txn_state) state;
  decltype(&::sqlite3_vfs_find) find_vfs;
  decltype(&::sqlite3_randomness) randomness;
};

inline constexpr int kCopies = 3;  // how many apps can live at once
// 0 to kCopies - 1; and the one that walwrap itself uses.
const SqliteCopy& sqlite_copy(int number);
const SqliteCopy& sqlite_of_walwrap();

// Randomness comes from the simulated kernel, and what a copy has left of an earlier world is gone.
void seed_sqlite(const SqliteCopy& copy);

}  // namespace walwrap::simulation
