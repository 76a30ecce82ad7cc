#include "walwrap/os/unnamed_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "walwrap/os/fd.hpp"

namespace walwrap::os {

Result<MappedFile> open_unnamed(const Path& directory) {
  constexpr ::mode_t kPrivate = 0600;
  Fd fd(uninterrupted(
      [&] { return ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, kPrivate); }));
  if (!fd.is_open()) fd = Fd(::memfd_create("walwrap", MFD_CLOEXEC));
  if (!fd.is_open()) return path_failure("memfd_create", directory);
  // Once more, by the name that this process has for it; then the first descriptor may go.
  return MappedFile::open(fmt::format("/proc/self/fd/{}", fd.get()), 0);
}

}  // namespace walwrap::os
