#include "walwrap/os/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "walwrap/os/clock.hpp"

namespace walwrap::os {
namespace {

constexpr std::size_t kReadChunkBytes = std::size_t{64} * 1024;

Failure path_failure(std::string_view call, const Path& path) {
  const int error_number = errno;  // before anything can change it
  return errno_failure(call, path.native(), error_number);
}

// Repeats a call that was interrupted before it did anything.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return Code::NotFound;
    case EEXIST:
      return Code::Exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::Denied;
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case ENFILE:
    case EMFILE:
    case ENOMEM:
    case EAGAIN:
      return Code::Unavailable;
    case EOPNOTSUPP:
    case ENOSYS:
      return Code::Unsupported;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
      return Code::Invalid;
    default:
      return Code::Io;
  }
}

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
          .owner = raw.st_uid,
          .group = raw.st_gid};
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

Path directory_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? Path(".") : parent;
}

Result<void> make_directory(const Path& path, std::uint32_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) {
    // Who may not read the parent cannot sync it either; the directory is there all the same.
    auto synced = sync_directory(directory_of(path));
    if (!synced && synced.error().code != Code::Denied) return synced;
    return {};
  }
  const int error_number = errno;
  const auto there = status_of(path);  // on a read-only parent EROFS comes before EEXIST
  if (there && there->type == FileType::Directory) return {};
  return errno_failure("mkdir", path.native(), error_number);
}

// Whether link(2) failed for want of support, and not because the name is taken.
bool is_link_unsupported(int error_number) {
  return error_number == EPERM || error_number == EOPNOTSUPP || error_number == ENOSYS ||
         error_number == EMLINK;
}

// Gives a finished temporary file its final name, unless the name is taken. The temporary name may
// or may not remain.
Result<void> publish_new(const Path& temporary, const Path& final_path, const File& file) {
  if (::link(temporary.c_str(), final_path.c_str()) == 0) return {};
  const int link_error = errno;
  if (is_link_unsupported(link_error)) {
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, final_path.c_str(), RENAME_NOREPLACE) ==
        0) {
      return {};
    }
    return path_failure("renameat2", final_path);
  }
  if (link_error == EEXIST) {
    // Over NFS a link may be made although its reply was lost; then the name leads to our file.
    const auto found = status_of(final_path);
    const auto ours = file.status();
    if (found && ours && found->id == ours->id) return {};
  }
  return errno_failure("link", final_path.native(), link_error);
}

}  // namespace

Failure errno_failure(std::string_view call, std::string_view subject, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  const std::string_view space = subject.empty() ? "" : " ";
  return fail(code_of(error_number), "{}{}{}: {}", call, space, subject, reason);
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

Result<void> make_directories(const Path& path, std::uint32_t mode) {
  Path reached;
  for (const Path& part : path) {
    reached /= part;
    if (part.empty() || part == "/") continue;
    TRY(make_directory(reached, mode));
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

Result<void> set_modified(const Path& path, WallTime time) {
  const auto times = modified_only(time);
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) != 0) {
    return path_failure("utimensat", path);
  }
  return {};
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

Result<void> File::sync() {
  if (uninterrupted([&] { return ::fsync(fd_.get()); }) != 0) return path_failure("fsync", path_);
  return {};
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

Result<void> File::set_owner_and_mode(const FileStatus& like) {
  // The owner first: changing it clears the set-user-id bits. Only root may give files away.
  if (::fchown(fd_.get(), like.owner, like.group) != 0 && errno != EPERM) {
    return path_failure("fchown", path_);
  }
  if (::fchmod(fd_.get(), like.mode) != 0) return path_failure("fchmod", path_);
  return {};
}

Result<AtomicFile> AtomicFile::create(const Path& final_path, std::uint32_t mode) {
  Path temporary = final_path;
  temporary += ".tmp-" + format_hex16(random_u64());
  auto file = TRY(File::open(temporary, File::Open::CreateNew, mode));
  return AtomicFile(std::move(file), std::move(temporary), final_path);
}

AtomicFile::AtomicFile(File file, Path temporary, Path final_path)
    : file_(std::move(file)), temporary_(std::move(temporary)), final_(std::move(final_path)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : file_(std::exchange(other.file_, std::nullopt)),
      temporary_(std::move(other.temporary_)),
      final_(std::move(other.final_)),
      written_(other.written_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    file_ = std::exchange(other.file_, std::nullopt);
    temporary_ = std::move(other.temporary_);
    final_ = std::move(other.final_);
    written_ = other.written_;
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (!file_) return;
  file_.reset();
  ignore(remove_file(temporary_), "what is left has a name that says so");
}

Result<void> AtomicFile::write(ByteSpan bytes) {
  WW_CHECK(file_.has_value());
  TRY(file_->write_at(bytes, written_));
  written_ += bytes.size();
  return {};
}

Result<void> AtomicFile::set_modified(WallTime time) {
  WW_CHECK(file_.has_value());
  const auto times = modified_only(time);
  if (::futimens(file_->descriptor(), times.data()) != 0) {
    return path_failure("futimens", temporary_);
  }
  return {};
}

Result<void> AtomicFile::commit(Publish how) {
  WW_CHECK(file_.has_value());
  TRY(file_->sync());
  switch (how) {
    case Publish::Replace:
      TRY(os::rename(temporary_, final_));
      file_.reset();
      break;
    case Publish::CreateNew:
      TRY(publish_new(temporary_, final_, *file_));
      discard();
      break;
  }
  return sync_directory(directory_of(final_));
}

Result<MappedFile> MappedFile::open(const Path& path, Bytes size, std::uint32_t mode) {
  const bool is_new = !os::exists(path);
  MappedFile mapped;
  mapped.path_ = path;
  mapped.fd_ = Fd(uninterrupted(
      [&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, mode); }));
  if (!mapped.fd_.is_open()) return path_failure("open", path);
  TRY(mapped.resize(size));
  if (is_new) TRY(sync_directory(directory_of(path)));
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    fd_ = std::move(other.fd_);
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

MappedFile::~MappedFile() {
  unmap();
}

void MappedFile::unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

Result<void> MappedFile::resize(Bytes size) {
  unmap();
  if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
    return path_failure("ftruncate", path_);
  }
  if (size == 0) return {};  // mmap refuses it
  // Space for all of it now: on a full disk a write to a hole in a mapping is a SIGBUS, not an
  // error. Where the file system cannot reserve, that risk remains.
  if (uninterrupted([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); }) != 0 &&
      errno != EOPNOTSUPP && errno != ENOSYS) {
    return path_failure("fallocate", path_);
  }
  void* const mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapped == MAP_FAILED) return path_failure("mmap", path_);
  data_ = static_cast<std::byte*>(mapped);
  size_ = size;
  return {};
}

Result<void> MappedFile::sync() {
  if (data_ != nullptr && ::msync(data_, size_, MS_SYNC) != 0) return path_failure("msync", path_);
  // The size too, and for sandboxes whose msync promises less than it should.
  if (uninterrupted([&] { return ::fsync(fd_.get()); }) != 0) return path_failure("fsync", path_);
  return {};
}

}  // namespace walwrap::os
