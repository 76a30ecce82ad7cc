// One SQLite connection, RAII over the C API. Used by one thread at a time; never across a fork.
//
// Error codes: Busy (BUSY, LOCKED, PROTOCOL), Corrupt (CORRUPT, NOTADB), Denied (PERM, READONLY,
// AUTH), Unavailable (FULL, IOERR, NOMEM), NotFound (CANTOPEN of a file that is not there),
// Cancelled (INTERRUPT), else Io. Texts are SQLite's own.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::sqlite {

Failure sqlite_failure(sqlite3* handle, int code, std::string_view what);

class Connection {
 public:
  enum class Mode {
    ReadWrite,  // never creates the file
    Immutable,  // read-only, without locks or a WAL, with read-ahead: only for a private file
  };
  struct Options {
    Mode mode = Mode::ReadWrite;
    std::chrono::milliseconds busy_timeout{0};
    const char* vfs = nullptr;  // of ReadWrite; nullptr: SQLite's default
  };
  static Result<Connection> open(const os::Path& path, const Options& options);

  Result<void> execute(const std::string& sql);
  // First column of the first row; NotFound: no row.
  Result<std::string> query_text(const std::string& sql);
  Result<std::int64_t> query_integer(const std::string& sql);

  // Called often while a statement runs, on its thread. True ends the statement as Cancelled.
  void set_cancel(std::function<bool()> cancelled);

  sqlite3* handle() const { return handle_.get(); }
  // Of the main database; owned by the connection.
  sqlite3_file* file() const;
  // Closing the last connection to a database checkpoints and removes the WAL, unless Keep.
  enum class WalOnClose { Keep, Remove };
  void set_wal_on_close(WalOnClose what);

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<std::function<bool()>> cancelled_;  // outlives the handle that calls it
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace walwrap::sqlite
