// What the database file looked like when its content was last known: its stamp, after the last
// checkpoint that we know of, in the state directory.
//
// A WAL proves its own commits, and nothing about the file under it: that may be another one by the
// next start, an older one, or cut. A file that still has the noted stamp is the one we knew. Any
// other is compared. The note is not synced: after a power loss it may be older than the file, and
// then the file is compared, too.
//
// The file `database`, 56 bytes: "wwdbfile", device, inode, size, time written, time changed (both
// in ns since 1970), and the XXH3 of all that. Integers are 8 bytes, little-endian.
#pragma once

#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/os/directory.hpp"
#include "walwrap/os/file_stamp.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::replication {

ByteVector format_file_note(const os::FileStamp& stamp);
std::optional<os::FileStamp> parse_file_note(ByteSpan bytes);  // nullopt: it is not one

// nullopt: there is none that can be read.
std::optional<os::FileStamp> read_file_note(const StateDir& directory);

// Owned by the capture thread.
class FileNote {
 public:
  explicit FileNote(const StateDir& directory) : directory_(directory) {}
  // Writes it if it differs. What cannot be written costs a comparison at the next start.
  void keep(const os::FileStamp& stamp);
  // What is at the path is not known to hold what is stored.
  void forget();

 private:
  void write(const std::optional<os::FileStamp>& stamp);

  StateDir directory_;
  std::optional<os::HeldFile> file_;  // none: not opened yet
  std::optional<os::FileStamp> kept_;
  bool has_written_ = false;
  bool fails_ = false;
};

}  // namespace walwrap::replication
