// Reads stored files completely or only their header, and gives each thread its own store for that.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// Each parallel worker opens its own store, because a store belongs to one thread. `stopped` is
// called often on that thread; the store then returns Cancelled.
using Stopped = std::function<bool()>;
using StoreFactory =
    std::function<Result<std::unique_ptr<storage::ObjectStore>>(const Stopped& stopped)>;

// Applies stored files, each of which continues the one before, to `sums` without writing a
// database. This is the other half of StateDir's invariant (files stored since the state). A
// database without a state is compared with a replica in the same way (a whole restore plan).
// Resizes `sums` to the last commit.
struct AppliedToSums {
  std::uint32_t pages = 0;  // database size after the last file
  PageSize page_size;
  RandomId writer;  // node id of the last file
};
Result<AppliedToSums> apply_to_sums(storage::ObjectStore& store, KeyStyle style,
                                    std::span<const StoredFile> files, PageSums& sums);

// The header of one stored file.
Result<ltx::Header> read_header(storage::ObjectStore& store, const std::string& key);

}  // namespace walwrap::replication
