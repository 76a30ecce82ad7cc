// What the database file looked like when its content was last known: its stamp, after the last
// checkpoint that we know of, in the state directory.
//
// A WAL proves its own commits, and nothing about the file under it: that may be another one by the
// next start, an older one, or cut. A file that still has the noted stamp is the one we knew. Any
// other is compared. The note is not synced: after a power loss it may be older than the file, and
// then the file is compared, too.
//
// If the WAL was empty by then, the note also names the newest TXID. A file of this stamp without a
// WAL then holds all that was stored up to this TXID, and what was committed after it.
//
// The file `database`, 64 bytes: "wwdbfile", device, inode, size, time written, time changed (both
// in ns since 1970), TXID (0: none), and the XXH3 of all that. Integers are 8 bytes, little-endian.
#pragma once

#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/directory.hpp"
#include "walwrap/os/file_stamp.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::replication {

struct NotedFile {
  os::FileStamp stamp{};
  Txid settled_at{};  // stored by then, and the WAL was empty; 0: it was not
  bool operator==(const NotedFile&) const = default;
};

ByteVector format_file_note(const NotedFile& noted);
std::optional<NotedFile> parse_file_note(ByteSpan bytes);  // nullopt: it is not one

// nullopt: there is none that can be read.
std::optional<NotedFile> read_file_note(const StateDir& directory);

// Owned by the capture thread.
class FileNote {
 public:
  explicit FileNote(const StateDir& directory) : directory_(directory) {}
  // Writes it if it differs. What cannot be written costs a comparison at the next start.
  void keep(const NotedFile& noted);
  // What is at the path is not known to hold what is stored.
  void forget();

 private:
  void write(const std::optional<NotedFile>& noted);

  StateDir directory_;
  std::optional<os::HeldFile> file_;  // none: not opened yet
  std::optional<NotedFile> kept_;
  bool has_written_ = false;
  bool fails_ = false;
};

}  // namespace walwrap::replication
