#include "walwrap/replication/restore/placing.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "walwrap/base/bytes.hpp"
#include "walwrap/os/resolve.hpp"

namespace walwrap::replication {
namespace {

constexpr std::size_t kSectorBytes = 512;  // a disk writes this unit completely or not at all
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;
constexpr std::string_view kMark = "walwrap writes a restored database into this file\n";

using Sector = std::array<std::byte, kSectorBytes>;

// The mark, or a short file of zeros only, whose bytes had not reached the disk.
bool is_unfinished(ByteSpan start, Bytes size) {
  const auto mark = as_bytes(kMark);
  if (start.size() >= mark.size() && std::equal(mark.begin(), mark.end(), start.begin())) {
    return true;
  }
  return size <= kSectorBytes &&
         std::all_of(start.begin(), start.end(), [](std::byte b) { return b == std::byte{0}; });
}

Result<void> copy_behind_sector(const os::File& from, os::File& to, Bytes size) {
  ByteVector buffer(kCopyBytes);
  for (Bytes at = kSectorBytes; at < size;) {
    const auto got = TRY(from.read_at(buffer, at));
    if (got == 0) return fail(Code::Io, "the restored file became shorter");
    TRY(to.write_at(ByteSpan(buffer).first(got), at));
    at += got;
  }
  return to.truncate(size);
}

}  // namespace

bool is_free_for_restore(const os::Path& database) {
  const auto status = os::status_of(database);
  if (!status) return status.error().code == Code::NotFound;
  if (status->type != os::FileType::Regular) return false;
  if (status->size == 0) return true;
  if (!os::is_mount_point(database)) return false;
  const auto file = os::File::open(database, os::File::Open::ReadOnly);
  if (!file) return false;
  Sector start{};
  const auto got = file->read_at(start, 0);
  return got && is_unfinished(ByteSpan(start).first(*got), status->size);
}

Result<void> write_into(const os::Path& restored, const os::Path& database) {
  const auto from = TRY(os::File::open(restored, os::File::Open::ReadOnly));
  auto to = TRY(os::File::open(database, os::File::Open::ReadWrite));
  const Bytes size = TRY(from.size());
  Sector first{};
  const auto got = TRY(from.read_at(first, 0));
  WW_CHECK(got == first.size());  // a database has at least one page, which is at least a sector
  Sector mark{};
  const auto text = as_bytes(kMark);
  std::copy(text.begin(), text.end(), mark.begin());
  TRY(to.write_at(mark, 0));
  TRY(to.sync());
  TRY(copy_behind_sector(from, to, size));
  TRY(to.sync());
  TRY(to.write_at(first, 0));
  TRY(to.sync());
  TRY(os::remove_file(restored));
  return os::sync_directory(os::directory_of(restored));
}

Result<void> place_database(const os::Path& restored, const os::Path& database) {
  if (!os::is_mount_point(database)) {
    TRY(os::rename(restored, database));
    return os::sync_directory(os::directory_of(database));
  }
  if (!is_free_for_restore(database)) {
    return fail(Code::Exists,
                "{} is mounted as a file and is not empty, so it cannot be replaced; mount its "
                "directory instead",
                database.string());
  }
  return write_into(restored, database).context("write into the mounted file");
}

}  // namespace walwrap::replication
