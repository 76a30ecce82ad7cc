// What we remember beside the database: the position that is stored, and of each page its hash and
// the file that stored it last.
//
// The directory is ".<db>-walwrap/" (0700). `state` is written atomically and durably; `pages` is
// mapped and is made durable before each state that relies on it. Owned by one thread.
//
// Invariant that resume relies on: what is noted of a page is as of some TXID from the state's to
// the newest file this writer has stored. So after a crash, it and the files stored since the
// state are exact.
//
// state: "key value" lines, one each, and a last line with the XXH3 of all before. pages: two u64
// little-endian per page, page 1 first: its hash, and the last TXID of the file that stored it; 0
// is "not known".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/mapped_file.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

struct SavedState {
  RandomId lineage;
  RandomId writer;                   // node id in the files that this state's owner stores
  Txid txid;                         // stored and acknowledged; 0: nothing yet
  RandomId stored_by;                // node id in the file of txid
  PageSize page_size;                // 0 while txid is 0
  std::uint32_t pages = 0;           // database size as of txid
  std::optional<wal::Position> wal;  // what is stored reaches this far; nullopt: no longer known
  bool clean = false;  // the database file alone, without its WAL, held what is stored
  WallTime saved;
  bool operator==(const SavedState&) const = default;
};

std::string format_state(const SavedState& state);
Result<SavedState> parse_state(std::string_view text);  // Corrupt

// Never 0.
std::uint64_t page_sum(ByteSpan page);

class PageSums {
 public:
  static constexpr Bytes kRecordBytes = 16;  // of each page
  explicit PageSums(os::MappedFile file) : file_(std::move(file)) {}
  std::uint64_t get(Pgno pgno) const;  // 0 beyond the end
  Txid stored_by(Pgno pgno) const;     // may be a later file than the one that changed the page
  void set(Pgno pgno, std::uint64_t sum, Txid stored_by);
  // Every page that may have changed since this TXID; those of which nothing is known, too.
  PageSet stored_after(Txid txid) const;
  std::uint32_t pages() const;
  Result<void> resize(std::uint32_t pages);
  Result<void> sync();

 private:
  os::MappedFile file_;
};

}  // namespace walwrap::replication
