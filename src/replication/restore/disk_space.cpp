#include "walwrap/replication/restore/disk_space.hpp"

#include <algorithm>

#include "walwrap/base/human.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kReserveStep = Bytes{16} << 20;
// A full disk may still report this much free space.
constexpr Bytes kAsGoodAsNothing = Bytes{64} << 10;

// On a file system with compression a file takes less than its size, so only a try can tell.
bool tells_what_fits(const os::Path& directory) {
  const auto name = os::filesystem_name(directory);
  return name && *name != "zfs" && *name != "btrfs" && *name != "bcachefs" && *name != "fuse";
}

}  // namespace

Result<void> SpaceReserve::begin(Bytes size) {
  const auto free = os::free_bytes(directory_);
  if (free && *free < size && tells_what_fits(directory_)) {
    return fail(Code::Invalid,
                "the disk of {} has {} free, but the database needs {}; free space or use a larger "
                "disk, then try again",
                directory_.native(), format_bytes(*free), format_bytes(size));
  }
  size_ = size;
  reserved_ = 0;
  return file_.truncate(size);
}

Result<void> SpaceReserve::reserve(Bytes proven) {
  const Bytes wanted = std::min(proven, size_);
  if (wanted <= reserved_ || (wanted < size_ && wanted - reserved_ < kReserveStep)) return {};
  const auto allocated = file_.allocate(wanted);
  if (!allocated) {
    return fail(explain_full_disk(allocated.error(), directory_, size_ - reserved_));
  }
  reserved_ = wanted;
  return {};
}

Error explain_full_disk(Error error, const os::Path& directory, Bytes needed) {
  if (error.code != Code::Unavailable) return error;
  const auto free = os::free_bytes(directory);
  if (!free || *free >= std::max(needed, kAsGoodAsNothing)) return error;
  error.text = fmt::format(
      "the disk of {} is full ({} free); free space or use a larger disk, then try again ({})",
      directory.native(), format_bytes(*free), error.text);
  error.code = Code::Invalid;
  return error;
}

}  // namespace walwrap::replication
