// Stored files -> database file: listing, planning's shell, parallel fetch and decode, atomic
// appearance.
//
// Memory stays under 64 MiB whatever the size. Every file's checksum, the chain and the final size
// are checked; nothing appears under the final name before all of it has agreed, is on disk and
// has passed the integrity check that was asked for.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/layout.hpp"
#include "walwrap/replication/plan.hpp"
#include "walwrap/replication/state.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

enum class Integrity { None, Quick, Full };  // PRAGMA quick_check, integrity_check

// Each parallel worker opens its own store: a store belongs to one thread. `stopped` is asked on
// that thread, and often: whatever the store is doing then ends as Cancelled.
using Stopped = std::function<bool()>;
using StoreFactory =
    std::function<Result<std::unique_ptr<storage::ObjectStore>>(const Stopped& stopped)>;

struct RestoreProgress {
  Bytes done = 0;
  Bytes total = 0;
};

struct RestoreRequest {
  StoreFactory open_store;
  KeyStyle style = KeyStyle::Directory;
  RestorePlan plan;
  os::Path output;  // must not exist, and no -wal, -shm or -journal of it
  Integrity integrity = Integrity::Quick;
  PageSums* sums = nullptr;                                 // filled if given
  std::optional<os::FileOwner> owner = {};                  // of the output; none: us
  std::function<void(const RestoreProgress&)> on_progress;  // from the calling thread, often
  Stopped cancelled;                                        // asked often, by the calling thread
};

struct Restored {
  Txid txid;
  PageSize page_size;
  std::uint32_t pages = 0;
  Bytes fetched = 0;
  std::string unchecked;  // why the integrity check asked for was not made; "": it was
};

// Codes: Corrupt (with the key of the broken file), NotFound (a planned file has gone: list and
// plan again), Unsupported (another version of the format), Unavailable, Denied, Cancelled, Exists
// (the output), Invalid (its directory is not there). Leaves nothing behind on error. Integrity::
// Quick checks databases of up to 1 GiB.
Result<Restored> restore_database(const RestoreRequest& request);

// Applies stored files, each continuing the one before, to `sums` without writing a database: the
// other half of StateDir's invariant (files stored since the state), and how a database without a
// state is compared with a replica (a whole restore plan). Resizes `sums` to the last commit.
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
