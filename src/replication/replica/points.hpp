// The restore points of everything that is stored. Pure.
//
// A restore point is a TXID at which a chain of stored files ends, with the earliest time at which
// a file with this end was stored.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::replication {

struct RestorePoint {
  Txid txid;
  WallTime time{};
  Level level;  // lowest of the files that end there
  bool operator==(const RestorePoint&) const = default;
};

// Ascending.
std::vector<RestorePoint> find_points(const std::vector<StoredFile>& files);

// Neighbouring points of one level. At level 0 no TXID between them is left out. At higher levels,
// where a file holds many TXIDs, all neighbours are included.
struct PointSpan {
  Level level;
  Txid first;
  Txid last;
  WallTime from{};  // of the first; the times of the others are not earlier
  WallTime to{};
  std::uint64_t points = 0;
  bool operator==(const PointSpan&) const = default;
};
std::vector<PointSpan> spans_of(const std::vector<RestorePoint>& points);

// At most `most` points, evenly spread, including the first and the last.
std::vector<RestorePoint> choose_some(const std::vector<RestorePoint>& points, std::size_t most);

// The result of a listing, for clients.
struct PointsFound {
  WallTime listed{};
  std::vector<PointSpan> spans;
  std::vector<RestorePoint> some;             // a selection to choose from
  std::optional<RestorePoint> snapshot = {};  // the newest one with a single file
};
PointsFound summarize_points(const std::vector<StoredFile>& files, WallTime listed);

}  // namespace walwrap::replication
