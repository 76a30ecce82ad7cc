#include "walwrap/os/record_lock.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

constexpr ByteRange kRange{.first = 100, .count = 10};

// What another process finds while `held` is locked by this one.
std::string seen_by_another(const Path& path, ByteRange held, ByteRange asked) {
  const File file = File::open(path, File::Open::ReadWrite).value();
  const auto mine = RecordLock::try_take(file, held).value();
  const int own = ::getpid();
  return testing::in_child([&]() -> std::string {
    const File other = File::open(path, File::Open::ReadWrite).value();
    const auto holder = find_lock_holder(other, asked).value();
    const bool is_free = RecordLock::try_take(other, asked).value().has_value();
    if (!holder) return is_free ? "free" : "no holder, but not free";
    const bool is_named = holder->pid == Pid{own};
    return is_free ? "a holder, but free" : is_named ? "held by its pid" : "held";
  });
}

TEST_CASE("a record lock is taken completely or not at all, and its holder is named") {
  const testing::TempDir directory;
  const Path path = directory / "file";
  REQUIRE(File::open(path, File::Open::CreateNew).has_value());
  CHECK(seen_by_another(path, kRange, kRange) == "held by its pid");
  CHECK(seen_by_another(path, {.first = 109, .count = 50}, kRange) == "held by its pid");
  CHECK(seen_by_another(path, {.first = 110, .count = 50}, kRange) == "free");
}

TEST_CASE("a failed record lock leaves nothing locked, and a released one is free again") {
  const testing::TempDir directory;
  const Path path = directory / "file";
  REQUIRE(File::open(path, File::Open::CreateNew).has_value());
  const File file = File::open(path, File::Open::ReadWrite).value();
  { const auto lock = RecordLock::try_take(file, {.first = 109, .count = 1}).value(); }
  const auto last = RecordLock::try_take(file, {.first = 109, .count = 1}).value();
  const auto answer = testing::in_child([&]() -> std::string {
    const File other = File::open(path, File::Open::ReadWrite).value();
    if (RecordLock::try_take(other, kRange).value()) return "the whole range was free";
    return testing::in_child([&]() -> std::string {
      const File third = File::open(path, File::Open::ReadWrite).value();
      const auto rest = find_lock_holder(third, {.first = 100, .count = 9}).value();
      return rest ? "a part was taken" : "nothing was taken";
    });
  });
  CHECK(answer == "nothing was taken");
}

}  // namespace
}  // namespace walwrap::os
