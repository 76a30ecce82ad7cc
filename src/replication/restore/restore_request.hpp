// The request for a restore, and its result.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/replica/stored_file.hpp"

namespace walwrap::replication {

enum class Integrity { None, Quick, Full };  // PRAGMA quick_check, integrity_check

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
  std::optional<os::FileOwner> owner = {};                  // of the output; none: this user
  std::function<void(const RestoreProgress&)> on_progress;  // from the calling thread, often
  Stopped cancelled;                                        // asked often, by the calling thread
};

struct Restored {
  Txid txid;
  PageSize page_size;
  std::uint32_t pages = 0;
  Bytes fetched = 0;
  std::string unchecked;  // why the requested integrity check was not made; "": it was made
};

}  // namespace walwrap::replication
