// Releases a C library's object with the library's own function.
#pragma once

namespace walwrap::http {

// For std::unique_ptr. To the compiler some libraries' handles are void.
template <auto kRelease>
struct Releaser {
  template <typename T>
  void operator()(T* object) const {
    kRelease(object);
  }
};

}  // namespace walwrap::http
