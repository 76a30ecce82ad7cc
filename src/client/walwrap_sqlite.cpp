// The loadable SQLite extension: walwrap_wait(), walwrap_position() and walwrap_status() in SQL.
//
// docs/confirming-writes.md says how to use them. SQLite takes the name of the entry point from
// the name of the file, walwrap_sqlite.so (sqlite.org/loadext.html). All of SQLite is reached
// through the table that it hands over, so the extension works with the copy of SQLite that a
// program brings, whatever that is called.
#include <limits.h>
#include <sqlite3ext.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "walwrap.h"

namespace {

// SQLite's table of functions, by the name that the macros of sqlite3ext.h use for it.
const sqlite3_api_routines* sqlite3_api = nullptr;

// SELECT walwrap_position() has no argument for it: walwrap reads the WAL at once.
constexpr int kPositionMs = 5'000;
// sqlite3_txn_state() came with 3.34.0. It is not called in an older SQLite.
constexpr int kHasTransactionState = 3'034'000;

void fail(sqlite3_context* context, const char* text) {
  sqlite3_result_error(context, text, -1);
}

// A handle, its error and its answer, for the time of one function call.
class Client {
 public:
  Client() { code = walwrap_open(nullptr, &handle, &error); }
  ~Client() {
    walwrap_free(answer);
    walwrap_free(error);
    walwrap_close(handle);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void give(sqlite3_context* context) const {
    if (code == WALWRAP_NOMEM) {
      sqlite3_result_error_nomem(context);
    } else if (code == WALWRAP_OK) {
      sqlite3_result_text(context, answer, -1, SQLITE_TRANSIENT);
    } else {
      fail(context, error != nullptr ? error : walwrap_errstr(code));
    }
  }

  walwrap_handle* handle = nullptr;
  char* error = nullptr;
  char* answer = nullptr;
  int code = WALWRAP_OK;
};

bool is_writing(sqlite3* db) {
  if (sqlite3_libversion_number() < kHasTransactionState) return sqlite3_get_autocommit(db) == 0;
  return sqlite3_txn_state(db, nullptr) == SQLITE_TXN_WRITE;
}

// A path is not a file: where another file took the name, walwrap would answer for that one.
// SQLite compares the inode of its open file with the inode at the path.
bool was_moved(sqlite3* db) {
  int moved = 0;
  return sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
         moved != 0;
}

// The file of the connection's main database under the name that walwrap knows it by: without
// symbolic links. false: an error was given.
bool find_database(sqlite3_context* context, std::array<char, PATH_MAX>& path) {
  sqlite3* const db = sqlite3_context_db_handle(context);
  if (is_writing(db)) {
    fail(context,
         "a write transaction is open; COMMIT first, because only what is committed is stored");
    return false;
  }
  const char* const name = sqlite3_db_filename(db, "main");
  if (name == nullptr || *name == '\0') {
    fail(context, "this connection has no database file, so nothing is stored");
    return false;
  }
  if (was_moved(db) || ::realpath(name, path.data()) == nullptr) {
    fail(context,
         "the file of this database was moved or replaced; close the connection and open it "
         "again");
    return false;
  }
  return true;
}

// false: an error was given.
bool read_milliseconds(sqlite3_context* context, sqlite3_value* value, int& milliseconds) {
  if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER) {
    fail(context, "walwrap_wait() needs the milliseconds to wait, as in walwrap_wait(5000)");
    return false;
  }
  const auto wanted = sqlite3_value_int64(value);
  milliseconds = static_cast<int>(std::clamp<sqlite3_int64>(wanted, -1, INT_MAX));
  return true;
}

void wait(sqlite3_context* context, int count, sqlite3_value** values) {
  int milliseconds = 0;
  if (!read_milliseconds(context, values[0], milliseconds)) return;
  const char* position = nullptr;
  if (count == 2) {
    position = reinterpret_cast<const char*>(sqlite3_value_text(values[1]));
    if (position == nullptr || *position == '\0') {
      fail(context, "the position is empty; pass one from walwrap_position(), or omit it");
      return;
    }
  }
  Client client;
  if (client.handle == nullptr) return client.give(context);
  std::array<char, PATH_MAX> database;
  if (!find_database(context, database)) return;
  client.code =
      walwrap_wait(client.handle, database.data(), position, milliseconds, nullptr, &client.error);
  if (client.code == WALWRAP_OK || client.code == WALWRAP_NOT_STORED) {
    sqlite3_result_int(context, client.code == WALWRAP_OK ? 1 : 0);
  } else {
    client.give(context);
  }
}

void position(sqlite3_context* context, int /*count*/, sqlite3_value** /*values*/) {
  Client client;
  if (client.handle == nullptr) return client.give(context);
  std::array<char, PATH_MAX> database;
  if (!find_database(context, database)) return;
  client.code =
      walwrap_position(client.handle, database.data(), kPositionMs, &client.answer, &client.error);
  client.give(context);
}

void status(sqlite3_context* context, int /*count*/, sqlite3_value** /*values*/) {
  Client client;
  if (client.handle == nullptr) return client.give(context);
  client.code = walwrap_status(client.handle, &client.answer, &client.error);
  client.give(context);
}

struct Function {
  const char* name;
  int arguments;
  void (*run)(sqlite3_context*, int, sqlite3_value**);
};
constexpr std::array kFunctions = {
    Function{"walwrap_wait", 1, wait},
    Function{"walwrap_wait", 2, wait},
    Function{"walwrap_position", 0, position},
    Function{"walwrap_status", 0, status},
};

}  // namespace

// SQLITE_DIRECTONLY: a schema from another author cannot make a reader wait.
extern "C" __attribute__((visibility("default"))) int sqlite3_walwrapsqlite_init(
    sqlite3* db, char** /*error*/, const sqlite3_api_routines* api) {
  sqlite3_api = api;
  for (const Function& each : kFunctions) {
    const int code =
        sqlite3_create_function_v2(db, each.name, each.arguments, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                   nullptr, each.run, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
