#include "walwrap/os/directory_lock.hpp"

#include <doctest/doctest.h>

#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

TEST_CASE("one process at a time locks a directory, until it ends") {
  const testing::TempDir dir;
  const auto is_free = [&] { return DirectoryLock::try_take(dir.path()).value().has_value(); };
  CHECK(is_free());
  {
    const auto held = DirectoryLock::try_take(dir.path()).value();
    REQUIRE(held.has_value());
    CHECK_FALSE(is_free());
    CHECK(DirectoryLock::is_held(dir.path()));
    CHECK(testing::in_child([&] { return std::string(is_free() ? "free" : "held"); }) == "held");
  }
  CHECK(is_free());
  CHECK_FALSE(DirectoryLock::is_held(dir.path()));
  CHECK_FALSE(DirectoryLock::is_held(dir / "none"));
  // A child that ends without giving anything back.
  testing::in_child([&] {
    static auto held = DirectoryLock::try_take(dir.path()).value();
    return std::string();
  });
  CHECK(is_free());
}

TEST_CASE("only a directory can be locked") {
  const testing::TempDir dir;
  testing::write_text(dir / "file", "x");
  CHECK(DirectoryLock::try_take(dir / "file").error().code == Code::Invalid);
  CHECK(DirectoryLock::try_take(dir / "missing").error().code == Code::NotFound);
}

}  // namespace
}  // namespace walwrap::os
