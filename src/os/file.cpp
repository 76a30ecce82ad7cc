#include "walwrap/os/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace walwrap::os {
namespace {

constexpr std::size_t kReadChunkBytes = std::size_t{64} * 1024;

FileStatus file_status(const struct stat& raw) {
  const auto modified =
      std::chrono::seconds(raw.st_mtim.tv_sec) + std::chrono::nanoseconds(raw.st_mtim.tv_nsec);
  return {.type = S_ISREG(raw.st_mode)   ? FileType::Regular
                  : S_ISDIR(raw.st_mode) ? FileType::Directory
                                         : FileType::Other,
          .id = {.device = raw.st_dev, .inode = raw.st_ino},
          .size = static_cast<Bytes>(raw.st_size),
          .modified = WallTime(std::chrono::floor<std::chrono::milliseconds>(modified)),
          .mode = raw.st_mode & 07777,
          .owner = {raw.st_uid, raw.st_gid}};
}

// What utimensat and futimens take: the time of access stays, the time of change is given.
std::array<timespec, 2> modified_only(WallTime time) {
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::chrono::nanoseconds rest = since_epoch - seconds;
  return {timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
          timespec{.tv_sec = static_cast<time_t>(seconds.count()),
                   .tv_nsec = static_cast<long>(rest.count())}};
}

// A directory that was just created. A user who can write to its parent may have replaced it since.
Result<void> give_directory(const Path& path, const FileOwner& owner) {
  const Fd fd(uninterrupted([&] {
    return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
  }));
  if (!fd.is_open()) return path_failure("open", path);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return path_failure("fstat", path);
  if (found.st_uid != ::geteuid()) {
    return fail(Code::Invalid, "{} was replaced by something else", path.native());
  }
  if (::fchown(fd.get(), owner.user, owner.group) != 0) return path_failure("fchown", path);
  return {};
}

}  // namespace

Path directory_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? Path(".") : parent;
}

Result<FileStatus> status_of(const Path& path) {
  struct stat raw {};
  if (::stat(path.c_str(), &raw) != 0) return path_failure("stat", path);
  return file_status(raw);
}

bool exists(const Path& path) {
  return status_of(path).has_value();
}

Result<void> rename(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error_number = errno;
    return errno_failure("rename", fmt::format("{} to {}", from.native(), to.native()),
                         error_number);
  }
  return {};
}

Result<void> link_new(const Path& from, const Path& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    const int error_number = errno;
    return errno_failure("link", fmt::format("{} to {}", from.native(), to.native()), error_number);
  }
  return {};
}

Result<void> remove_file(const Path& path) {
  if (::unlink(path.c_str()) != 0) return path_failure("unlink", path);
  return {};
}

Result<void> remove_empty_directory(const Path& path) {
  if (::rmdir(path.c_str()) == 0) return {};
  if (errno == ENOTEMPTY || errno == EEXIST) {
    return fail(Code::Busy, "{} is not empty", path.native());
  }
  return path_failure("rmdir", path);
}

Result<void> set_owner(const Path& path, const FileOwner& owner) {
  const Fd fd(uninterrupted(
      [&] { return ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY); }));
  if (!fd.is_open()) return path_failure("open", path);
  if (::fchownat(fd.get(), "", owner.user, owner.group, AT_EMPTY_PATH) != 0) {
    return path_failure("fchownat", path);
  }
  return {};
}

Result<void> make_directory(const Path& path, std::uint32_t mode,
                            const std::optional<FileOwner>& owner) {
  if (::mkdir(path.c_str(), mode) == 0) {
    if (owner) TRY(give_directory(path, *owner));
    // A process that may not read the parent cannot sync it either. The directory exists anyway.
    auto synced = sync_directory(directory_of(path));
    if (!synced && synced.error().code != Code::Denied) return synced;
    return {};
  }
  const int error_number = errno;
  const auto there = status_of(path);  // on a read-only parent EROFS comes before EEXIST
  if (there && there->type == FileType::Directory) return {};
  return errno_failure("mkdir", path.native(), error_number);
}

Result<void> make_directories(const Path& path, std::uint32_t mode,
                              const std::optional<FileOwner>& owner) {
  Path reached;
  for (const Path& part : path) {
    reached /= part;
    if (part.empty() || part == "/") continue;
    TRY(make_directory(reached, mode, owner));
  }
  return {};
}

Result<void> sync_directory(const Path& path) {
  const Fd fd(uninterrupted(
      [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY); }));
  if (!fd.is_open()) return path_failure("open", path);
  if (uninterrupted([&] { return ::fsync(fd.get()); }) == 0) return {};
  // Some file systems have no fsync for directories; there is nothing more to be had from them.
  if (errno == EINVAL || errno == EOPNOTSUPP) return {};
  return path_failure("fsync", path);
}

Result<std::vector<std::string>> list_directory(const Path& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().native());
  }
  if (error) return errno_failure("readdir", path.native(), error.value());
  return names;
}

Result<ByteVector> read_file(const Path& path, Bytes limit) {
  const Fd fd(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  if (!fd.is_open()) return path_failure("open", path);
  // In sequence and not by size, because pipes and files of /proc have none.
  ByteVector content;
  while (true) {
    const std::size_t filled = content.size();
    content.resize(filled + kReadChunkBytes);
    const ssize_t got =
        uninterrupted([&] { return ::read(fd.get(), &content[filled], kReadChunkBytes); });
    if (got < 0) return path_failure("read", path);
    content.resize(filled + static_cast<std::size_t>(got));
    if (content.size() > limit) {
      return fail(Code::Invalid, "read {}: larger than {} bytes", path.native(), limit);
    }
    if (got == 0) return content;
  }
}

Result<std::string> filesystem_name(const Path& path) {
  struct Name {
    std::uint64_t magic;
    std::string_view name;
  };
  // Source: statfs(2) and linux/magic.h.
  static constexpr std::array kNames{
      Name{0xef53, "ext4"},         Name{0x01021994, "tmpfs"}, Name{0x794c7630, "overlay"},
      Name{0x6969, "nfs"},          Name{0x58465342, "xfs"},   Name{0x9123683e, "btrfs"},
      Name{0x2fc12fc1, "zfs"},      Name{0x65735546, "fuse"},  Name{0x01021997, "9p"},
      Name{0xff534d42, "cifs"},     Name{0xfe534d42, "smb2"},  Name{0x858458f6, "ramfs"},
      Name{0xf2f52010, "f2fs"},     Name{0x61756673, "aufs"},  Name{0x00c36400, "ceph"},
      Name{0x73717368, "squashfs"}, Name{0x4d44, "vfat"},      Name{0x2011bab0, "exfat"},
      Name{0x9fa0, "proc"},         Name{0xf15f, "ecryptfs"},  Name{0xca451a4e, "bcachefs"},
  };
  struct statfs raw {};
  if (uninterrupted([&] { return ::statfs(path.c_str(), &raw); }) != 0) {
    return path_failure("statfs", path);
  }
  // Magic numbers have 32 bits; f_type is signed and as wide as the machine's word.
  const auto magic = static_cast<std::uint64_t>(raw.f_type) & 0xffff'ffff;
  const auto* const found = std::ranges::find(kNames, magic, &Name::magic);
  if (found != kNames.end()) return std::string(found->name);
  return fmt::format("0x{:x}", magic);
}

Result<Bytes> free_bytes(const Path& path) {
  struct statvfs raw {};
  if (uninterrupted([&] { return ::statvfs(path.c_str(), &raw); }) != 0) {
    return path_failure("statvfs", path);
  }
  return Bytes{raw.f_bavail} * Bytes{raw.f_frsize};
}

Result<void> may_create_in(const Path& directory) {
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return path_failure("write to", directory);
}

Result<void> set_modified(const Path& path, WallTime time) {
  const auto times = modified_only(time);
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) != 0) {
    return path_failure("utimensat", path);
  }
  return {};
}

Result<File> File::open(const Path& path, Open how, std::uint32_t mode) {
  int flags = O_CLOEXEC | O_NOCTTY;
  switch (how) {
    case Open::ReadOnly:
      flags |= O_RDONLY;
      break;
    case Open::ReadWrite:
      flags |= O_RDWR;
      break;
    case Open::CreateNew:
      flags |= O_RDWR | O_CREAT | O_EXCL;
      break;
  }
  Fd fd(uninterrupted([&] { return ::open(path.c_str(), flags, mode); }));
  if (!fd.is_open()) return path_failure("open", path);
  return File(std::move(fd), path);
}

Result<std::size_t> File::read_at(MutableByteSpan buffer, Bytes offset) const {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = uninterrupted([&] {
      return ::pread(fd_.get(), buffer.data() + filled, buffer.size() - filled,
                     static_cast<off_t>(offset + filled));
    });
    if (got < 0) return path_failure("pread", path_);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<void> File::write_at(ByteSpan bytes, Bytes offset) {
  while (!bytes.empty()) {
    const ssize_t put = uninterrupted([&] {
      return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (put < 0) return path_failure("pwrite", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<Bytes>(put);
  }
  return {};
}

Result<void> File::allocate(Bytes size) {
  if (size == 0) return {};
  const int result =
      uninterrupted([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); });
  if (result == 0) return {};
  if (errno != EOPNOTSUPP && errno != ENOSYS) return path_failure("fallocate", path_);
  // No reservation on this file system: the size is all that can be given.
  const Bytes present = TRY(this->size());
  if (present < size) TRY(truncate(size));
  return {};
}

Result<void> File::truncate(Bytes size) {
  if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
    return path_failure("ftruncate", path_);
  }
  return {};
}

Result<void> File::set_modified(WallTime time) {
  const auto times = modified_only(time);
  if (::futimens(fd_.get(), times.data()) != 0) return path_failure("futimens", path_);
  return {};
}

Result<void> File::sync() {
  if (uninterrupted([&] { return ::fsync(fd_.get()); }) != 0) return path_failure("fsync", path_);
  return {};
}

void File::start_writeback(Bytes offset, Bytes length) const {
  ::sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                    SYNC_FILE_RANGE_WRITE);
}

Result<Bytes> File::size() const {
  const FileStatus found = TRY(status());
  return found.size;
}

Result<FileStatus> File::status() const {
  struct stat raw {};
  if (::fstat(fd_.get(), &raw) != 0) return path_failure("fstat", path_);
  return file_status(raw);
}

Result<void> File::set_owner(const FileOwner& owner) {
  if (::fchown(fd_.get(), owner.user, owner.group) != 0) return path_failure("fchown", path_);
  return {};
}

}  // namespace walwrap::os
