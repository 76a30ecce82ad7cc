// The parts of an upload without the store: its header, its bytes in memory, and the copy of a
// large batch's pages. On the upload thread.
#pragma once

#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/page_copy.hpp"
#include "walwrap/replication/upload/snapshot_file.hpp"
#include "walwrap/replication/upload/snapshot_lease.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

struct UploadContent {
  PageSize page_size;
  std::uint32_t commit = 0;  // database size in pages
  TxidRange txids;
  wal::Position covers;  // storing it stores everything up to here
};
ltx::Header upload_header(const UploadContent& content, RandomId writer, WallTime now);
ltx::Header upload_header(const UploadJob& job, TxidRange txids, RandomId writer, WallTime now);

// Reads through the snapshot. Valid while the lease is held at its current address.
ReadPage reads_of(const SnapshotLease& snapshot);

// `encoded` receives their description.
Result<ByteVector> encode_to_memory(const SnapshotFile& encoder, const SnapshotPages& from,
                                    Encoded& encoded);

// Whether this many bytes may be copied into `directory` before the upload. A large batch is copied
// only if a snapshot was recalled before, because a copy is more expensive.
bool has_room_to_copy(const std::optional<os::Path>& directory, Bytes bytes, bool was_recalled);
// Copies those of `pages` that are not in `copy` yet.
Result<void> copy_missing(const PageSet& pages, const ReadPage& read, PageCopy& copy);

}  // namespace walwrap::replication
