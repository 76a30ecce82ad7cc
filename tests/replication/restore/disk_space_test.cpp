#include "walwrap/replication/restore/disk_space.hpp"

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

using testing::TempDir;

Bytes taken(const os::File& file) {
  struct stat found {};
  REQUIRE(::fstat(file.descriptor(), &found) == 0);
  return static_cast<Bytes>(found.st_blocks) * 512;
}

TEST_CASE("a file gets its size at once, and its space as pages are verified") {
  const TempDir dir;
  auto file = os::File::open(dir / "out", os::File::Open::CreateNew).value();
  SpaceReserve space(file, dir.path());
  constexpr Bytes kSize = Bytes{40} << 20;
  REQUIRE(space.begin(kSize).has_value());
  CHECK(file.size().value() == kSize);
  CHECK(taken(file) < (1U << 20));
  REQUIRE(space.reserve(4096).has_value());
  CHECK(taken(file) < (1U << 20));
  REQUIRE(space.reserve(Bytes{20} << 20).has_value());
  CHECK(taken(file) < kSize);
  REQUIRE(space.reserve(10 * kSize).has_value());
  CHECK(file.size().value() == kSize);
}

TEST_CASE("only an error of a full disk is explained as one") {
  const TempDir dir;
  const Error error{Code::Unavailable, "write: No space left on device"};
  CHECK(explain_full_disk(error, dir.path()).code == Code::Unavailable);
  CHECK(explain_full_disk({Code::Corrupt, "x"}, dir.path(), ~0ULL).code == Code::Corrupt);
  const auto explained = explain_full_disk(error, dir.path(), ~0ULL);
  CHECK(explained.code == Code::Invalid);
  CHECK(explained.text.find("is full") != std::string::npos);
  CHECK(explained.text.find("free space") != std::string::npos);
  CHECK(explained.text.find(error.text) != std::string::npos);
  CHECK(explain_full_disk(error, dir / "missing", ~0ULL).code == Code::Unavailable);
}

TEST_CASE("a database too large for the disk is refused before anything is written") {
  const std::string told = testing::in_child([]() -> std::string {
    const TempDir dir;
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=8m") != 0) {
      return std::string(testing::kSkipped);
    }
    auto file = os::File::open(dir / "out", os::File::Open::CreateNew).value();
    SpaceReserve space(file, dir.path());
    const auto begun = space.begin(Bytes{64} << 20);
    std::string text = begun ? "it was begun" : begun.error().text;
    if (taken(file) > 0) text += ", and space taken";
    ::umount(dir.path().c_str());
    return text;
  });
  if (told == testing::kSkipped) return;
  CHECK(told.find("8.0 MiB free, but the database needs 64.0 MiB") != std::string::npos);
  CHECK(told.find("taken") == std::string::npos);
}

}  // namespace
}  // namespace walwrap::replication
