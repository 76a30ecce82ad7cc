// Plans a restore: which stored files lead from nothing to the target, and in which order. Pure.
//
// Rules: the newest snapshot first, then repeatedly the file that continues and reaches furthest
// (ties: lower start, then higher level, then older). A gap is Corrupt, never skipped (Law 6).
#pragma once

#include <optional>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::replication {

struct RestoreTarget {
  std::optional<Txid> txid;        // exactly this one
  std::optional<WallTime> before;  // the last state stored before this time; neither: the newest
};

struct RestorePlan {
  std::vector<StoredFile> files;  // oldest first; each continues the one before
  Txid reached;
  Bytes bytes = 0;  // to fetch
};

// NotFound: no files at all (or none before the time). Corrupt: a gap, with the TXIDs on its two
// sides and the command to use instead. Invalid: the TXID cannot be restored exactly, with the
// nearest ones that can.
Result<RestorePlan> plan_restore(const std::vector<StoredFile>& files, const RestoreTarget& target);

// A summary of a listing.
struct ReplicaExtent {
  Txid newest;         // 0: no files
  Txid newest_upload;  // highest at level 0
};
ReplicaExtent extent_of(const std::vector<StoredFile>& files);

}  // namespace walwrap::replication
