#include "walwrap/os/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "walwrap/os/error.hpp"

namespace walwrap::os {
namespace {

constexpr int kNeverThroughALink = O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;

bool is_trusted_user(uid_t user, const std::optional<FileOwner>& owner) {
  return !owner || user == ::geteuid() || user == owner->user;
}

bool is_foreign(const struct stat& found, const std::optional<FileOwner>& owner) {
  if (!S_ISREG(found.st_mode)) return true;
  return owner && (found.st_nlink != 1 || !is_trusted_user(found.st_uid, owner));
}

Result<bool> lock_descriptor(int descriptor, const Path& path) {
  if (uninterrupted([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return path_failure("flock", path);
}

Failure foreign(const Path& path) {
  return fail(Code::Invalid,
              "{} is a link, or not a file of walwrap; remove it, and walwrap creates its own",
              path.native());
}

}  // namespace

Result<ByteVector> HeldFile::read(Bytes limit) const {
  ByteVector content(static_cast<std::size_t>(limit) + 1);
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got = uninterrupted([&] {
      return ::pread(fd_.get(), content.data() + filled, content.size() - filled,
                     static_cast<off_t>(filled));
    });
    if (got < 0) return path_failure("pread", path_);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > limit) {
    return fail(Code::Invalid, "read {}: larger than {} bytes", path_.native(), limit);
  }
  content.resize(filled);
  return content;
}

Result<void> HeldFile::write(ByteSpan bytes) {
  off_t offset = 0;
  while (!bytes.empty()) {
    const ssize_t put =
        uninterrupted([&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), offset); });
    if (put < 0) return path_failure("pwrite", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += put;
  }
  return {};
}

Result<void> HeldFile::sync() {
  if (uninterrupted([&] { return ::fsync(fd_.get()); }) != 0) return path_failure("fsync", path_);
  return {};
}

Result<FileStatus> HeldFile::status() const {
  return status_of(by_descriptor());
}

Path HeldFile::by_descriptor() const {
  return fmt::format("/proc/self/fd/{}", fd_.get());
}

Result<bool> HeldFile::try_lock() {
  return lock_descriptor(fd_.get(), path_);
}

Result<bool> try_lock(const File& file) {
  return lock_descriptor(file.descriptor(), "the file");
}

Result<Directory> Directory::open(const Path& path, const std::optional<FileOwner>& owner) {
  Fd fd(uninterrupted(
      [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | kNeverThroughALink); }));
  if (!fd.is_open()) {
    if (errno != ENOTDIR && errno != ELOOP) return path_failure("open", path);
    return fail(Code::Invalid,
                "{} is a link, or not a directory; remove it, and walwrap creates its own",
                path.native());
  }
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return path_failure("fstat", path);
  if (!is_trusted_user(found.st_uid, owner)) {
    return fail(Code::Mismatch, "{} belongs to user {}; change its owner to the user of --user",
                path.native(), found.st_uid);
  }
  return Directory(std::move(fd), path, owner);
}

Result<Directory> Directory::open_or_make(const Path& path, std::uint32_t mode,
                                          const std::optional<FileOwner>& owner) {
  auto opened = open(path, owner);
  if (opened || opened.error().code != Code::NotFound) return opened;
  TRY(make_directories(path, mode, owner));
  return open(path, owner);
}

Result<HeldFile> Directory::open_file(std::string_view name, File::Open how) const {
  if (how == File::Open::CreateNew) return create_file(name);
  const Path path = path_ / name;
  const int rights = how == File::Open::ReadOnly ? O_RDONLY : O_RDWR;
  // Opening a pipe must not wait for its other end.
  Fd fd(uninterrupted([&] {
    return ::openat(fd_.get(), path.filename().c_str(), rights | O_NONBLOCK | kNeverThroughALink);
  }));
  if (!fd.is_open()) {
    if (errno == ELOOP || errno == ENXIO || errno == EISDIR) return foreign(path);
    return path_failure("open", path);
  }
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return path_failure("fstat", path);
  if (is_foreign(found, owner_)) return foreign(path);
  return HeldFile(std::move(fd), path);
}

Result<HeldFile> Directory::create_file(std::string_view name, std::uint32_t mode) const {
  const Path path = path_ / name;
  Fd fd(uninterrupted([&] {
    return ::openat(fd_.get(), path.filename().c_str(),
                    O_RDWR | O_CREAT | O_EXCL | kNeverThroughALink, mode);
  }));
  if (!fd.is_open()) return path_failure("open", path);
  if (owner_ && ::fchown(fd.get(), owner_->user, owner_->group) != 0) {
    return path_failure("fchown", path);
  }
  return HeldFile(std::move(fd), path);
}

Result<HeldFile> Directory::open_or_replace(std::string_view name, std::uint32_t mode) const {
  auto opened = open_file(name, File::Open::ReadWrite);
  if (opened) return opened;
  const Code code = opened.error().code;
  if (code != Code::NotFound && code != Code::Invalid) return opened;
  if (code == Code::Invalid) TRY(remove(name));
  auto made = TRY(create_file(name, mode));
  TRY(sync());
  return made;
}

Result<void> Directory::rename(std::string_view from, std::string_view to) const {
  const Path old_path = path_ / from;
  const Path new_path = path_ / to;
  if (::renameat(fd_.get(), old_path.filename().c_str(), fd_.get(), new_path.filename().c_str()) !=
      0) {
    return path_failure("rename", old_path);
  }
  return {};
}

Result<void> Directory::remove(std::string_view name) const {
  const Path path = path_ / name;
  if (::unlinkat(fd_.get(), path.filename().c_str(), 0) != 0) return path_failure("unlink", path);
  return {};
}

Result<std::vector<std::string>> Directory::names() const {
  const int again = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return path_failure("open", path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again), &::closedir);
  if (!stream) {
    const int error_number = errno;
    const Fd closed(again);
    return errno_failure("fdopendir", path_.native(), error_number);
  }
  std::vector<std::string> found;
  errno = 0;
  // One stream, one thread.
  while (const dirent* entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") found.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return path_failure("readdir", path_);
  return found;
}

Result<void> Directory::sync() const {
  if (uninterrupted([&] { return ::fsync(fd_.get()); }) == 0) return {};
  // Some file systems have no fsync for directories; there is nothing more to be had from them.
  if (errno == EINVAL || errno == EOPNOTSUPP) return {};
  return path_failure("fsync", path_);
}

Result<void> give_socket(const Path& path, const FileOwner& owner) {
  const Fd fd(uninterrupted([&] { return ::open(path.c_str(), O_PATH | kNeverThroughALink); }));
  if (!fd.is_open()) return path_failure("open", path);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return path_failure("fstat", path);
  if (!S_ISSOCK(found.st_mode) || found.st_nlink != 1 || found.st_uid != ::geteuid()) {
    return fail(Code::Invalid, "{} was replaced by something else", path.native());
  }
  if (::fchownat(fd.get(), "", owner.user, owner.group, AT_EMPTY_PATH) != 0) {
    return path_failure("fchownat", path);
  }
  return {};
}

}  // namespace walwrap::os
