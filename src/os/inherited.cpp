#include "walwrap/os/inherited.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "walwrap/base/decimal.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

Inherited Inherited::capture() {
  Inherited inherited;
  std::error_code unknown;
  inherited.directory_ = std::filesystem::current_path(unknown).native();
  const auto names = list_directory("/proc/self/fd");
  if (!names) return inherited;
  for (const std::string& name : *names) {
    const auto descriptor = parse_decimal<int>(name);
    // The listing's own is closed by now.
    const bool is_open = descriptor && ::fcntl(*descriptor, F_GETFD) >= 0;
    if (is_open && *descriptor > STDERR_FILENO) inherited.descriptors_.push_back(*descriptor);
  }
  return inherited;
}

Result<Fd> Inherited::take(int descriptor) {
  const auto found = std::ranges::find(descriptors_, descriptor);
  if (found == descriptors_.end()) {
    return fail(Code::NotFound,
                "descriptor {} is not open; open it where walwrap is started: {}>FILE", descriptor,
                descriptor);
  }
  descriptors_.erase(found);
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return Fd(descriptor);
}

void Inherited::close_descriptors() {
  for (const int descriptor : descriptors_) ::close(descriptor);
  descriptors_.clear();
}

void Inherited::leave_directory() {
  [[maybe_unused]] const auto left = ::chdir("/");
}

void Inherited::return_to_directory() const {
  [[maybe_unused]] const auto returned = ::chdir(directory_.c_str());
}

}  // namespace walwrap::os
