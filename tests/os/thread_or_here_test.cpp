#include "walwrap/os/thread_or_here.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "tests/support/in_child.hpp"
#include "walwrap/base/check.hpp"

namespace walwrap::os {
namespace {

TEST_CASE("work runs on the calling thread when no thread can be started") {
  const auto run = [](bool limited) {
    return testing::in_child([limited]() -> std::string {
      if (::setresuid(54'321, 54'321, 54'321) != 0) return std::string(testing::kSkipped);
      const rlimit none{0, 0};
      if (limited && ::setrlimit(RLIMIT_NPROC, &none) != 0) return "no limit";
      const auto own = ::pthread_self();
      std::string where = "nowhere";
      Thread thread = thread_or_here(
          "work",
          [&] { where = ::pthread_equal(::pthread_self(), own) != 0 ? "here" : "elsewhere"; },
          [](std::string_view what) { FAIL_CHECK(what); });
      thread.join();
      thread_or_here(
          "bug", [] { throw Panic("x"); },
          [&](std::string_view what) { where += fmt::format(" {}", what); })
          .join();
      return where;
    });
  };
  if (run(false) == testing::kSkipped) return;
  CHECK(run(false) == "elsewhere x");
  CHECK(run(true) == "here x");
}

}  // namespace
}  // namespace walwrap::os
