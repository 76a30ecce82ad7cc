// Lists what is stored with few requests: each lists a thousand objects.
//
// Blocks in the store, on the thread that owns it. A stale listing is detected: a bucket is asked
// for the upload after the newest one in the listing. If that exists, the listing is repeated a few
// times. Unavailable: it stays stale.
#pragma once

#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

struct ReplicaListing {
  std::vector<StoredFile> files;
  bool has_legacy_backup = false;  // litestream v0.3's
  WallTime legacy_newest{};        // time of its newest object
  std::string foreign_key;         // an object of neither litestream nor walwrap; "": none
};

// All LTX files of all levels, and whether there are other objects.
Result<ReplicaListing> list_replica(storage::ObjectStore& store, KeyStyle style);

// Unsupported, with both times: litestream 0.3 has continued the database since, so the restorable
// state is older than the newest one. A backup of litestream 0.3 alone, or an older one, is
// accepted.
Result<void> check_legacy_is_older(const ReplicaListing& listing);

// The uploads from this one on. The caller knows it, so the listing cannot be stale.
Result<std::vector<StoredFile>> list_uploads_from(storage::ObjectStore& store, KeyStyle style,
                                                  Txid first);

// The levels above the uploads, from the highest down, each from where the ones before it end. In a
// bucket at least three requests.
Result<ReplicaListing> list_compacted(storage::ObjectStore& store, KeyStyle style);

// The files from which the newest state is restored, and at least the newest upload. A bucket of up
// to a thousand objects takes one request. In a larger one, most files that a higher level covers
// are left out: five requests for the usual levels (compaction.hpp). If the result does not lead to
// the newest state, everything is listed.
Result<ReplicaListing> list_newest(storage::ObjectStore& store, KeyStyle style);

}  // namespace walwrap::replication
