// The wal-index header, which SQLite publishes in the first bytes of the -shm file. Pure.
//
// Source: sqlite.org/walformat.html, "The WAL-Index File Format". Integers are in the machine's
// own byte order. The caller copies the bytes out of shared memory (both header copies with a
// barrier between them) and gives them here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/wal/format.hpp"

namespace walwrap::wal {

inline constexpr Bytes kIndexCopyBytes = 48;     // one copy of the header
inline constexpr Bytes kIndexHeaderBytes = 136;  // two copies, checkpoint info
// Lock bytes, as slots for xShmLock: SQLite's WAL_WRITE_LOCK, WAL_CKPT_LOCK, WAL_RECOVER_LOCK
// and the first of five WAL_READ_LOCKs.
inline constexpr int kWriteLock = 0;
inline constexpr int kCheckpointLock = 1;
inline constexpr int kRecoverLock = 2;
inline constexpr int kReadLock = 3;
inline constexpr int kReadLocks = 5;
inline constexpr Bytes kFirstLockByte = 120;    // of the -shm: that of slot 0
inline constexpr Bytes kBackfilledOffset = 96;  // of nBackfill
inline constexpr std::uint32_t kReadMarkUnused = 0xffffffff;
inline constexpr Bytes kReadMarksOffset = 100;  // of the first of five, in the -shm

struct IndexHeader {
  // SQLite's iChange: one more with each commit, wraps, begins at 0 with each recovery.
  std::uint32_t change = 0;
  std::uint32_t max_frame = 0;  // last committed frame
  std::uint32_t pages = 0;      // database size; also 0 if the WAL has been empty so far
  PageSize page_size;           // 0 there
  Salts salts;
  Checksum frame_checksum;  // running checksum after max_frame
  bool operator==(const IndexHeader&) const = default;
};
struct CheckpointInfo {
  std::uint32_t backfilled = 0;  // frames copied into the database
  std::array<std::uint32_t, kReadLocks> read_marks{};
  std::uint32_t attempted = 0;  // where the newest checkpoint intended to end
};

// nullopt: the copies differ, are not initialised, or fail their checksum: a writer is publishing,
// or died while it was.
std::optional<IndexHeader> parse_index_header(ByteSpan first_copy, ByteSpan second_copy);
// A copy of the header without a database size: SQLite then takes the file's size, as it does after
// the recovery of an empty WAL. `copy` is a valid copy, of an empty WAL.
std::array<std::byte, kIndexCopyBytes> without_size(ByteSpan copy);
// From the bytes that follow the two copies (at offset 96).
CheckpointInfo parse_checkpoint_info(ByteSpan bytes);

}  // namespace walwrap::wal
