#include "walwrap/os/fd.hpp"

#include <unistd.h>

namespace walwrap::os {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  // Never repeated on EINTR: Linux has released the number by then, and another thread may own it.
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace walwrap::os
