// What is stored, in as few requests as it takes: one lists a thousand objects.
//
// Blocks in the store; on the thread that owns it. A listing that comes too late is not believed: a
// bucket is asked for the upload after the newest that it has shown, and if that is there, the
// listing is repeated a few times. Unavailable: it stays too old.
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
  WallTime legacy_newest{};        // when its newest object was stored
  std::string foreign_key;         // an object that is neither litestream's nor ours; "": none
};

// All LTX files of all levels, and whether there is anything else.
Result<ReplicaListing> list_replica(storage::ObjectStore& store, KeyStyle style);

// Unsupported, with both times: litestream 0.3 has continued the database since, so what can be
// restored is an older state than the newest. Its backup alone, or an older one, is fine.
Result<void> check_legacy_is_older(const ReplicaListing& listing);

// The uploads from this one on; for one who knows it, so no listing is doubted.
Result<std::vector<StoredFile>> list_uploads_from(storage::ObjectStore& store, KeyStyle style,
                                                  Txid first);

// Of the levels above the uploads, from the highest down, each from where those before it end; in a
// bucket three requests at least.
Result<ReplicaListing> list_compacted(storage::ObjectStore& store, KeyStyle style);

// What the newest state is restored from, and at least the newest upload. A bucket of up to a
// thousand objects is one request. In a larger one, most of what a higher level covers is left out:
// five requests, where the levels are as levels.hpp keeps them. Where what that finds does not lead
// to the newest state, all is listed.
Result<ReplicaListing> list_newest(storage::ObjectStore& store, KeyStyle style);

}  // namespace walwrap::replication
