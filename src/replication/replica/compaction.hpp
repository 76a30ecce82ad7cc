// When files of one level are compacted into a file of the next level, so that a restore reads few
// files and lists few names, however long the history is. Pure; owned by the upload thread.
//
// A file of a level has every page that changed since the newest file of that level, as of one
// upload. So it ends at that upload's TXID, as the newest file of each lower level does. A snapshot
// ends all levels, and the levels begin with one: litestream restores a chain above the uploads
// only if it begins at TXID 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::replication {

inline constexpr Level kHighestCompacted{3};

class Compaction {
 public:
  struct Limits {
    std::uint64_t files = 60;        // of the level below make one file of a level
    Bytes bytes = 16ULL << 20;       // of pages; a larger file would delay the uploads after it
    std::uint64_t most_files = 600;  // then of any size, because a request lists 1,000
  };
  // `compacted`: what is stored above the uploads.
  Compaction(const std::vector<StoredFile>& compacted, Limits limits);

  // A snapshot is made before anything else.
  bool has_begun() const { return has_begun_; }
  // The highest TXID that this level or a higher one holds. For snapshots 0, because each holds
  // everything.
  Txid end_of(Level level) const;
  // A file of this level that ends at the upload `txid` may be due. Ask from the lowest level up,
  // because a file of one level is made only together with one of the level below.
  bool is_due(Level level, Txid txid) const;
  // It is due if its pages have this many bytes.
  bool is_worth(Level level, Txid txid, Bytes bytes) const;

  void on_stored(Level level, Txid last);
  // Not after `txid`, but some uploads later.
  void postpone(Txid txid) { not_before_ = Txid{txid.value + limits_.files}; }

 private:
  struct Mark {
    Txid end{1};
    std::uint64_t below = 0;  // files of the level below since then; for uploads the TXIDs give it
  };
  static std::size_t index_of(Level level);
  Mark& at(Level level) { return marks_[index_of(level)]; }
  const Mark& at(Level level) const { return marks_[index_of(level)]; }
  std::uint64_t files_below(Level level, Txid txid) const;

  Limits limits_;
  std::array<Mark, kHighestCompacted.value> marks_;  // of levels 1 and up
  bool has_begun_ = false;
  Txid not_before_;
};

}  // namespace walwrap::replication
