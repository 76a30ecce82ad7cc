#include "walwrap/replication/upload/upload_file.hpp"

#include "walwrap/replication/replica/wal_reach.hpp"

namespace walwrap::replication {
namespace {

// For a litestream that continues this replica and reads these fields: "nothing is known about your
// WAL". litestream then always makes a full image. Source: docs/formats.md, "WAL fields".
constexpr std::int64_t kWalStart = 32;
// A large batch of this many pages is copied even if no snapshot was recalled before. And the share
// of the free disk space that a copy may use.
constexpr Bytes kCopiedAtOnce = 256ULL << 20;
constexpr Bytes kShareOfDisk = 2;
constexpr std::size_t kCopyBatch = 1024;

}  // namespace

ltx::Header upload_header(const UploadContent& content, RandomId writer, WallTime now) {
  const auto frame_bytes = static_cast<std::int64_t>(wal::frame_bytes(content.page_size));
  return ltx::Header{.page_size = content.page_size,
                     .commit = content.commit,
                     .txids = content.txids,
                     .timestamp = now,
                     .wal = {.offset = kWalStart, .size = frame_bytes},
                     .node = writer,
                     .reserved = format_position(content.covers)};
}

ltx::Header upload_header(const UploadJob& job, TxidRange txids, RandomId writer, WallTime now) {
  return upload_header({job.page_size, job.commit, txids, job.covers}, writer, now);
}

ReadPage reads_of(const SnapshotLease& snapshot) {
  return [&snapshot](Pgno pgno, MutableByteSpan page) { return snapshot.read_page(pgno, page); };
}

Result<ByteVector> encode_to_memory(const SnapshotFile& encoder, const SnapshotPages& from,
                                    Encoded& encoded) {
  ByteVector bytes;
  const WriteFn sink = [&bytes](ByteSpan piece) -> Result<void> {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  };
  encoded = TRY(encoder.encode(from, sink).context("encode"));
  return bytes;
}

bool has_room_to_copy(const std::optional<os::Path>& directory, Bytes bytes, bool was_recalled) {
  if (!directory || (bytes > kCopiedAtOnce && !was_recalled)) return false;
  const auto free = os::free_bytes(*directory);
  return free && *free / kShareOfDisk >= bytes;
}

Result<void> copy_missing(const PageSet& pages, const ReadPage& read, PageCopy& copy) {
  ByteVector page(copy.page_size().value);
  Pgno after{0};
  for (auto batch = pages.next(after, kCopyBatch); !batch.empty();
       batch = pages.next(after, kCopyBatch)) {
    for (const Pgno pgno : batch) {
      if (copy.pages().contains(pgno)) continue;
      TRY(read(pgno, page));
      TRY(copy.put(pgno, page));
    }
    after = batch.back();
  }
  return {};
}

}  // namespace walwrap::replication
