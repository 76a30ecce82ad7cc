// The end of a C library's object, by the function that the library has for it.
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
