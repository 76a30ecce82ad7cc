#include "walwrap/replication/replica/compaction.hpp"

#include <algorithm>

#include "walwrap/base/check.hpp"

namespace walwrap::replication {

Compaction::Compaction(const std::vector<StoredFile>& compacted, Limits limits) : limits_(limits) {
  for (const StoredFile& file : compacted) {
    for (Level level{1}; level <= std::min(file.level, kHighestCompacted); ++level.value) {
      at(level).end = std::max(at(level).end, file.txids.last);
    }
  }
  has_begun_ = std::any_of(compacted.begin(), compacted.end(), [](const StoredFile& file) {
    return file.level > kUploadLevel && file.txids.first == Txid{1};
  });
  for (const StoredFile& file : compacted) {
    if (file.level >= kHighestCompacted || file.level == kUploadLevel) continue;
    Mark& above = at(Level{file.level.value + 1});
    if (file.txids.last > above.end) ++above.below;
  }
}

std::size_t Compaction::index_of(Level level) {
  WW_CHECK(level > kUploadLevel && level <= kHighestCompacted);
  return static_cast<std::size_t>(level.value - 1);
}

Txid Compaction::end_of(Level level) const {
  return level == kSnapshotLevel ? Txid{0} : at(level).end;
}

std::uint64_t Compaction::files_below(Level level, Txid txid) const {
  // The first snapshot is made instead of the first file of level 1.
  const Mark& mark = at(level == kSnapshotLevel ? Level{1} : level);
  if (level.value > 1 && level != kSnapshotLevel) return mark.below;
  return txid > mark.end ? txid.value - mark.end.value : 0;
}

bool Compaction::is_due(Level level, Txid txid) const {
  return txid >= not_before_ && files_below(level, txid) >= limits_.files;
}

bool Compaction::is_worth(Level level, Txid txid, Bytes bytes) const {
  return bytes <= limits_.bytes || files_below(level, txid) >= limits_.most_files;
}

void Compaction::on_stored(Level level, Txid last) {
  for (Level ended{1}; ended <= std::min(level, kHighestCompacted); ++ended.value) {
    at(ended) = {.end = last, .below = 0};
  }
  if (level == kSnapshotLevel) has_begun_ = true;
  if (level < kHighestCompacted) ++at(Level{level.value + 1}).below;
}

}  // namespace walwrap::replication
