// The parallel half of a restore: the pages of the planned files into one database file.
//
// Files are taken newest first. The owner's thread reads their page indexes and decides, page by
// page, which file's image counts: that of the newest file with the page (as litestream compacts
// files). Worker threads fetch and decode runs of page frames and write the images that count.
// Every page is decoded, because the file checksums cover them all. Owned by one thread.
//
//   state of a file  what is known of it          left by
//   Planned          its key, TXIDs and size      small: fetch_ahead() -> Requested
//   Requested        a worker fetches the file    the bytes have arrived
//   Its turn         header, trailer, page index  each run of frames is a task -> Scheduled
//   Scheduled        which of its pages count     a worker has decoded each run -> Decoded
//   Decoded          the checksum of each run     check_sums() -> Checked, or Corrupt
//
// The order of the files decides which image of a page counts, so only the owner's thread decides
// it. The tasks may end in any order.
#pragma once

#include <cstdint>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/restore/restore_request.hpp"

namespace walwrap::replication {

struct RestoredPages {
  PageSize page_size;
  std::uint32_t pages = 0;
  Bytes fetched = 0;
};

// `file` is empty and gets its final size. The lock page reads as zeros. The caller must sync the
// file. Codes: like restore_database.
Result<RestoredPages> restore_pages(const RestoreRequest& request, os::File& file);

}  // namespace walwrap::replication
