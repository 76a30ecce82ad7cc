// The state that is saved beside the database: the stored position. The page sums are in
// page_sums.hpp.
//
// The directory is ".<db>-walwrap/" (0700). `state` is written atomically and durably. `pages` is
// memory-mapped and made durable before each state that depends on it. Owned by one thread.
//
// Invariant for a start that continues: each page record is as of some TXID from the state's to
// that of the newest file this writer has stored. So after a crash, the records and the files
// stored since the state give the exact result.
//
// state: "key value" lines, one each, and a last line with the XXH3 of all before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/replica/known_files.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

struct SavedState {
  RandomId lineage;
  RandomId writer;                       // node id in the files of this state's writer
  Txid txid;                             // stored and acknowledged; 0: nothing yet
  RandomId stored_by;                    // node id in the file of txid
  PageSize page_size;                    // 0 while txid is 0
  std::uint32_t pages = 0;               // database size as of txid
  std::optional<KnownFile> slot = {};    // that file; nullopt: not known
  std::optional<KnownFront> front = {};  // the first file of the chain; nullopt: not known
  std::optional<wal::Position> wal;  // everything up to this position is stored; nullopt: not known
  bool clean = false;                // the database file without its WAL held what is stored
  WallTime saved;
  // Of earlier starts on this disk, newest first. A late request of theirs may still reach the
  // store.
  std::vector<RandomId> earlier_writers = {};
  // This start's, or one of those.
  bool is_own(RandomId node) const;
  // A further start continues: it gets a new writer id, and this one joins the earlier ones.
  void begin_writer(RandomId id);
  bool operator==(const SavedState&) const = default;
};

// More starts than can have a late request.
inline constexpr std::size_t kMostEarlierWriters = 16;

std::string format_state(const SavedState& state);
Result<SavedState> parse_state(std::string_view text);  // Corrupt

}  // namespace walwrap::replication
