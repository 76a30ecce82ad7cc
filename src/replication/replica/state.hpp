// What we remember beside the database: the position that is stored. What is known of its pages is
// in page_sums.hpp.
//
// The directory is ".<db>-walwrap/" (0700). `state` is written atomically and durably; `pages` is
// mapped and is made durable before each state that relies on it. Owned by one thread.
//
// Invariant that resume relies on: what is noted of a page is as of some TXID from the state's to
// the newest file this writer has stored. So after a crash, it and the files stored since the
// state are exact.
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
  RandomId writer;                       // node id in the files that this state's owner stores
  Txid txid;                             // stored and acknowledged; 0: nothing yet
  RandomId stored_by;                    // node id in the file of txid
  PageSize page_size;                    // 0 while txid is 0
  std::uint32_t pages = 0;               // database size as of txid
  std::optional<KnownFile> slot = {};    // that file; nullopt: not known
  std::optional<KnownFront> front = {};  // what the chain begins with; nullopt: not known
  std::optional<wal::Position> wal;  // what is stored reaches this far; nullopt: no longer known
  bool clean = false;  // the database file alone, without its WAL, held what is stored
  WallTime saved;
  // Of earlier starts over this disk, newest first. A request of theirs may reach the store late.
  std::vector<RandomId> earlier_writers = {};
  // This start's, or one of those.
  bool is_own(RandomId node) const;
  // A further start continues: another writer id, and this one among the earlier ones.
  void begin_writer(RandomId id);
  bool operator==(const SavedState&) const = default;
};

// More starts than may have a request on its way.
inline constexpr std::size_t kMostEarlierWriters = 16;

std::string format_state(const SavedState& state);
Result<SavedState> parse_state(std::string_view text);  // Corrupt

}  // namespace walwrap::replication
