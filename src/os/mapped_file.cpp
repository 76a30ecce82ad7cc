#include "walwrap/os/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "walwrap/os/file.hpp"

namespace walwrap::os {

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

// A mapping stays valid as long as the file is not shorter. So what is there survives a failure to
// grow, and the unmapped file is empty.
Result<void> MappedFile::resize(Bytes size) {
  if (size < size_) unmap();
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
  unmap();
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
