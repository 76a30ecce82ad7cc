// The calls that change a disk, as a test program defines them to have them watched: SQLite's and
// ours alike come here first. Include it in one source of the program.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/support/power_cut.hpp"

namespace walwrap::testing {

inline std::filesystem::path path_of(int descriptor) {
  std::array<char, 4096> target{};
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto length = ::readlink(link.c_str(), target.data(), target.size());
  return length <= 0 ? "" : std::string(target.data(), static_cast<std::size_t>(length));
}

template <typename Call>
auto watched(const char* name, const std::filesystem::path& path, Call call) {
  if (DiskRecorder::NoSync::count() == 0) return call();
  const std::lock_guard lock(DiskRecorder::mutex());
  if (const auto* recorder = DiskRecorder::of(path)) recorder->tell(name, path);
  return call();
}
inline int synced(const char* name, int descriptor, long call) {
  if (DiskRecorder::NoSync::count() == 0) return static_cast<int>(::syscall(call, descriptor));
  const auto path = path_of(descriptor);
  const std::lock_guard lock(DiskRecorder::mutex());
  if (auto* recorder = DiskRecorder::of(path)) {
    recorder->tell(name, path);
    recorder->on_fsync(path, descriptor);
  }
  return 0;
}

}  // namespace walwrap::testing

extern "C" {
int fsync(int descriptor) {
  return walwrap::testing::synced("fsync", descriptor, SYS_fsync);
}
int fdatasync(int descriptor) {
  return walwrap::testing::synced("fdatasync", descriptor, SYS_fdatasync);
}
// Of what is mapped: an fsync follows, which notes what is there.
int msync(void* at, size_t length, int flags) {
  if (walwrap::testing::DiskRecorder::NoSync::count() > 0) return 0;
  return static_cast<int>(::syscall(SYS_msync, at, length, flags));
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  return walwrap::testing::watched("pwrite", walwrap::testing::path_of(descriptor), [&] {
    return ::syscall(SYS_pwrite64, descriptor, bytes, count, at);
  });
}
ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  return pwrite64(descriptor, bytes, count, at);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
  return static_cast<int>(
      walwrap::testing::watched("ftruncate", walwrap::testing::path_of(descriptor),
                                [&] { return ::syscall(SYS_ftruncate, descriptor, size); }));
}
int ftruncate(int descriptor, off_t size) noexcept {
  return ftruncate64(descriptor, size);
}
int rename(const char* from, const char* to) noexcept {
  return static_cast<int>(walwrap::testing::watched(
      "rename", to, [&] { return ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); }));
}
int unlink(const char* path) noexcept {
  return static_cast<int>(walwrap::testing::watched(
      "unlink", path, [&] { return ::syscall(SYS_unlinkat, AT_FDCWD, path, 0); }));
}
}
