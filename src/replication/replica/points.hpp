// What one can restore to, of all that is stored. Pure.
//
// A point is a TXID at which a chain of stored files ends, with the earliest time at which a file
// that ends there was stored.
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

// Neighbouring points of one level between which no TXID is passed over, where that level is 0;
// of the higher ones, which hold many TXIDs each, all neighbours.
struct PointSpan {
  Level level;
  Txid first;
  Txid last;
  WallTime from{};  // of the first; times of the others are not before it
  WallTime to{};
  std::uint64_t points = 0;
  bool operator==(const PointSpan&) const = default;
};
std::vector<PointSpan> spans_of(const std::vector<RestorePoint>& points);

// At most `most`, evenly, with the first and the last among them.
std::vector<RestorePoint> choose_some(const std::vector<RestorePoint>& points, std::size_t most);

// What a listing has shown, for clients.
struct PointsFound {
  WallTime listed{};
  std::vector<PointSpan> spans;
  std::vector<RestorePoint> some;             // to choose from
  std::optional<RestorePoint> snapshot = {};  // the newest that one file leads to
};
PointsFound summarize_points(const std::vector<StoredFile>& files, WallTime listed);

}  // namespace walwrap::replication
