// What to restore: which stored files, in which order, lead from nothing to the target. Pure.
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
  std::optional<WallTime> before;  // the last state stored strictly before; neither: the latest
};

struct RestorePlan {
  std::vector<StoredFile> files;  // oldest first; each continues the one before
  Txid reached;
  Bytes bytes = 0;  // to fetch
};

// NotFound: no files at all (or none before the time). Corrupt: a gap, with the TXIDs on its two
// sides and the command to use instead. Invalid: the TXID is not one that can be restored to,
// naming the nearest that can.
Result<RestorePlan> plan_restore(const std::vector<StoredFile>& files, const RestoreTarget& target);

// What a listing says at a glance.
struct ReplicaExtent {
  Txid newest;         // 0: no files
  Txid newest_upload;  // highest at level 0
};
ReplicaExtent extent_of(const std::vector<StoredFile>& files);

}  // namespace walwrap::replication
