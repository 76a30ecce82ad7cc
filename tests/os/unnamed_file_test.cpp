#include "walwrap/os/unnamed_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

TEST_CASE("an unnamed file can be used and grown, and has no name in its directory") {
  const testing::TempDir dir;
  for (const Path& directory : {dir.path(), Path("/no/such/directory")}) {
    auto mapped = open_unnamed(directory).value();
    CHECK(mapped.bytes().empty());
    REQUIRE(mapped.resize(10'000).has_value());
    mapped.bytes()[9'999] = std::byte{42};
    REQUIRE(mapped.resize(20'000).has_value());
    CHECK(mapped.bytes()[9'999] == std::byte{42});
    CHECK(mapped.bytes()[19'999] == std::byte{0});
    REQUIRE(mapped.sync().has_value());
  }
  CHECK(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace walwrap::os
