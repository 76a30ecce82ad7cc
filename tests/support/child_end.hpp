// The end of a child, waited for by hand.
#pragma once

#include <fmt/format.h>
#include <sys/wait.h>

#include <string>

#include "walwrap/os/process.hpp"

namespace walwrap::testing {

// Blocks until the next child has ended, and reaps it.
inline std::string wait_for_end() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) return "no child";
  const auto reaped = os::reap_one();
  if (!reaped) return "not reaped";
  return fmt::format("{}/{}", reaped->status.code, reaped->status.signal);
}

}  // namespace walwrap::testing
