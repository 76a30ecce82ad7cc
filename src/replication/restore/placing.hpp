// Gives a complete and checked restored file the database's name.
//
// It is renamed. If the database is mounted as a file (`docker run -v ./app.db:/data/app.db`), no
// file can be renamed over it. Then the restored file is copied into it, in an order that cannot
// leave a database after a crash: the first sector with SQLite's header comes last. Until then it
// holds a mark that SQLite does not open.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/restore/restore_leftovers.hpp"

namespace walwrap::replication {

// A restore may use a missing file, an empty file, or a mounted file that a killed restore began to
// write. Law 1: opens the file, so no connection may have it open.
bool is_free_for_restore(const os::Path& database);

// A complete file that waits for its name. A failed start deletes it.
class Incoming {
 public:
  explicit Incoming(const os::Path& database) : path_(incoming_path(database)) {
    clear();  // of a start that was killed
  }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming() { clear(); }
  const os::Path& path() const { return path_; }

 private:
  void clear() const {
    ignore(os::remove_file(path_), "it does not exist, or the next start removes it");
  }
  os::Path path_;
};

// The file is durable on return, and `restored` no longer exists. Errors: Exists (it is mounted as
// a file and is not free).
Result<void> place_database(const os::Path& restored, const os::Path& database);

// Only the copy, for its test.
Result<void> write_into(const os::Path& restored, const os::Path& database);

}  // namespace walwrap::replication
