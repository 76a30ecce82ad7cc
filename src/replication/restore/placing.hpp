// Gives a restored file, whole and checked, the database's name.
//
// By a rename. Where the database is mounted as a file (`docker run -v ./app.db:/data/app.db`)
// nothing can be renamed over it: then the restored file is copied into it, in an order that a
// crash cannot turn into a database: the first sector, which holds SQLite's header, comes last, and
// until then a mark of ours stands in its place, which no SQLite opens.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/restore/restore_leftovers.hpp"

namespace walwrap::replication {

// What a restore may make its own: nothing, an empty file, or what a killed restore began to write
// into a mounted file. Law 1: opens the file; for one that no connection of ours has open.
bool is_free_for_restore(const os::Path& database);

// A complete file that waits for its name; it does not outlive a start that fails.
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

// Durable when it returns; `restored` is gone then. Errors: Exists (it is mounted as a file, and is
// not free).
Result<void> place_database(const os::Path& restored, const os::Path& database);

// The second way alone, for a test of it.
Result<void> write_into(const os::Path& restored, const os::Path& database);

}  // namespace walwrap::replication
