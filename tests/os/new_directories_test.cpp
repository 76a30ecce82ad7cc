#include "walwrap/os/new_directories.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::TempDir;

TEST_CASE("new directories are removed unless they are kept, and older ones stay") {
  const TempDir dir;
  REQUIRE(make_directories(dir / "a", 0700).has_value());
  {
    const auto made = NewDirectories::make(dir / "a" / "b" / "c", 0700, {});
    REQUIRE(made.has_value());
    CHECK(os::exists(dir / "a" / "b" / "c"));
  }
  CHECK(os::exists(dir / "a"));
  CHECK_FALSE(os::exists(dir / "a" / "b"));
}

TEST_CASE("kept directories stay, as do those that are not empty") {
  const TempDir dir;
  NewDirectories::make(dir / "kept" / "deep", 0700, {}).value().keep();
  CHECK(os::exists(dir / "kept" / "deep"));
  {
    const auto made = NewDirectories::make(dir / "used" / "deep", 0700, {});
    testing::write_text(dir / "used" / "file", "x");
  }
  CHECK(testing::names_in(dir / "used") == std::vector<std::string>{"file"});
}

TEST_CASE("root gives a new directory the owner of its parent") {
  if (::geteuid() != 0) return;
  const TempDir dir;
  REQUIRE(set_owner(dir.path(), {1234, 1235}).has_value());
  const auto made = NewDirectories::make(dir / "a" / "b", 0755, {});
  REQUIRE(made.has_value());
  CHECK(status_of(dir / "a").value().owner == FileOwner{1234, 1235});
  CHECK(status_of(dir / "a" / "b").value().owner == FileOwner{1234, 1235});
}

}  // namespace
}  // namespace walwrap::os
