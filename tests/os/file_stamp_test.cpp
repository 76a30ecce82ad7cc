#include "walwrap/os/file_stamp.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

TEST_CASE("a file stamp stays the same until the file is written, replaced or removed") {
  const testing::TempDir directory;
  const Path path = directory / "file";
  CHECK(stamp_of(path).error().code == Code::NotFound);
  std::ofstream(path) << "x";
  const auto before = stamp_of(path).value();
  CHECK(stamp_of(path).value() == before);
  std::ofstream(path, std::ios::app) << "y";
  const auto written = stamp_of(path).value();
  CHECK(written.id == before.id);
  CHECK(written.size == 2);
  CHECK_FALSE(written == before);
  std::ofstream(directory / "other") << "zz";
  std::filesystem::rename(directory / "other", path);
  CHECK_FALSE(stamp_of(path).value().id == before.id);
}

TEST_CASE("an open file is found until its process closes it, also after it was removed") {
  const testing::TempDir directory;
  const Path path = directory / "file";
  std::ofstream(path) << "x";
  const FileId id = stamp_of(path).value().id;
  CHECK_FALSE(has_open(id).value());
  {
    const auto file = File::open(path, File::Open::ReadOnly).value();
    CHECK(has_open(id).value());
    REQUIRE(remove_file(path).has_value());
    CHECK(has_open(id).value());
  }
  CHECK_FALSE(has_open(id).value());
}

}  // namespace
}  // namespace walwrap::os
