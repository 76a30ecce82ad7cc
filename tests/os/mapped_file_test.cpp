#include "walwrap/os/mapped_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/temp_dir.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

using testing::TempDir;

TEST_CASE("bytes written to a mapped file are in the file when it is mapped again") {
  const TempDir dir;
  {
    auto mapped = MappedFile::open(dir / "sums", 10'000).value();
    REQUIRE(mapped.bytes().size() == 10'000);
    CHECK(std::ranges::all_of(mapped.bytes(), [](std::byte b) { return b == std::byte{0}; }));
    mapped.bytes()[9'999] = std::byte{42};
    REQUIRE(mapped.sync().has_value());
  }
  CHECK(status_of(dir / "sums").value().size == 10'000);
  auto mapped = MappedFile::open(dir / "sums", 10'000).value();
  CHECK(mapped.bytes()[9'999] == std::byte{42});
}

TEST_CASE("a mapped file keeps its content when it grows, and the new bytes are zero") {
  const TempDir dir;
  auto mapped = MappedFile::open(dir / "sums", 3).value();
  std::ranges::fill(mapped.bytes(), std::byte{7});
  REQUIRE(mapped.resize(100'000).has_value());
  CHECK(mapped.bytes()[2] == std::byte{7});
  CHECK(std::ranges::all_of(mapped.bytes().subspan(3),
                            [](std::byte b) { return b == std::byte{0}; }));
  std::ranges::fill(mapped.bytes(), std::byte{9});
  REQUIRE(mapped.resize(10).has_value());
  REQUIRE(mapped.resize(20).has_value());
  CHECK(mapped.bytes()[9] == std::byte{9});
  CHECK(mapped.bytes()[10] == std::byte{0});
}

TEST_CASE("an empty mapped file has no bytes and can grow") {
  const TempDir dir;
  auto mapped = MappedFile::open(dir / "sums", 0).value();
  CHECK(mapped.bytes().empty());
  CHECK(mapped.sync().has_value());
  REQUIRE(mapped.resize(5).has_value());
  auto moved = std::move(mapped);
  CHECK(moved.bytes().size() == 5);
  CHECK(mapped.bytes().empty());
  moved = MappedFile::open(dir / "other", 6).value();
  CHECK(moved.bytes().size() == 6);
  CHECK(MappedFile::open(dir / "missing" / "sums", 1).error().code == Code::NotFound);
}

TEST_CASE("a mapped file that cannot grow keeps its content") {
  const TempDir dir;
  auto mapped = MappedFile::open(dir / "sums", 3).value();
  mapped.bytes()[2] = std::byte{7};
  REQUIRE_FALSE(mapped.resize(Bytes{1} << 62).has_value());
  REQUIRE(mapped.bytes().size() == 3);
  CHECK(mapped.bytes()[2] == std::byte{7});
  CHECK(mapped.sync().has_value());
}

}  // namespace
}  // namespace walwrap::os
