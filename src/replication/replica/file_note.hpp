// The stamp that the database file had when its content was last known, after the last known
// checkpoint. It is kept in the state directory.
//
// A WAL proves its own commits, and nothing about the file under it: at the next start that may be
// another file, an older one or a truncated one. A file that still has the noted stamp is the known
// one. Any other file is compared. The note is not synced. After a power loss it may be older than
// the file, and then the file is compared as well.
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

std::optional<NotedFile> read_file_note(const StateDir& directory);

// Owned by the capture thread.
class FileNote {
 public:
  explicit FileNote(const StateDir& directory) : directory_(directory) {}
  // Writes it if it differs. A failure costs a comparison at the next start.
  void keep(const NotedFile& noted);
  // The file at the path is not known to hold what is stored.
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
