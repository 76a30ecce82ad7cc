// inotify: says when the -wal was written or the directory's entries changed.
//
// A hint, never the truth: events may be lost or, on some file systems, never come (self_test()).
// Its user polls as well at a slow rate. Owned by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

class Watch {
 public:
  static Result<Watch> create();

  // Writes to one file. Watching a path again (a new file under the same name) replaces the watch.
  Result<void> watch_writes(const Path& file);
  void stop_watching_writes();
  // Entries created in, moved into or out of, or deleted from one directory, and those that
  // a writer closes.
  Result<void> watch_directory(const Path& directory);

  struct Seen {
    bool written = false;            // the file of watch_writes changed
    std::vector<std::string> names;  // directory entries that came, went or were closed
    bool overflowed = false;         // list again: events were lost, or the directory was deleted
  };
  // Takes what has been queued; never blocks.
  Seen take();
  int descriptor() const { return fd_.get(); }

  // Writes a scratch file in `directory` through a watch and says whether the event came within
  // 200 ms. False where inotify does not deliver (some network and sandboxed file systems).
  static bool self_test(const Path& directory);

 private:
  explicit Watch(Fd fd) : fd_(std::move(fd)) {}
  void note(int watch, std::uint32_t events, std::string_view name, Seen& seen);
  Fd fd_;
  int file_watch_ = -1;
  int directory_watch_ = -1;
};

}  // namespace walwrap::os
