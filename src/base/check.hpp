// WW_CHECK: what cannot happen. On in every build.
//
// It throws Panic, which is caught only at the top of a thread: a bug in replication becomes an
// event for the supervisor, never the app's crash.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace walwrap {

class Panic : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void panic(const char* file, int line, std::string_view what);

}  // namespace walwrap

#define WW_CHECK(condition)                             \
  do {                                                  \
    if (!(condition)) [[unlikely]]                      \
      ::walwrap::panic(__FILE__, __LINE__, #condition); \
  } while (false)
