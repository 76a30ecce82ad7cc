// Tests everything that replication needs from a store: for `walwrap doctor`.
//
// Writes one object below "walwrap/", reads it, and removes it again. Blocks in the store; one
// thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/http/message.hpp"
#include "walwrap/storage/object_store.hpp"
#include "walwrap/storage/stores/open.hpp"

namespace walwrap::storage {

// For a bucket, from one listing of at most one key.
struct BucketFacts {
  std::string provider;  // "Cloudflare R2"
  http::Peer peer;
  std::string credentials;  // "environment", "instance role x"
  // The store's clock minus the local one, to a second. nullopt: no Date in the answer.
  std::optional<std::chrono::milliseconds> clock_offset;
};
// Errors: why the bucket cannot be listed. `facts` has everything found until then.
Result<void> look_at_bucket(const Location& location, const Surroundings& surroundings,
                            BucketFacts& facts);

// Each step is tried only if the earlier ones succeeded. nullopt: not tried.
struct StoreRights {
  std::optional<Result<void>> list;
  std::optional<Result<void>> put;
  std::optional<Result<void>> get;  // and the bytes are those that were put
  std::optional<Result<void>> remove;
  std::optional<bool> create_only;  // the store itself refused a second put of the name
};
StoreRights try_rights(ObjectStore& store, const std::string& key);

}  // namespace walwrap::storage
