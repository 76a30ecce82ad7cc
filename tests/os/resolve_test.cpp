#include "walwrap/os/resolve.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::TempDir;
using testing::write_text;

void link_to(const Path& target, const Path& name) {
  REQUIRE(::symlink(target.c_str(), name.c_str()) == 0);
}

TEST_CASE("a path is followed through chains of links, relative and absolute, to its file") {
  const TempDir temporary;
  const Path dir = std::filesystem::canonical(temporary.path());
  std::filesystem::create_directories(dir / "disk/deep");
  write_text(dir / "disk/app.db", "x");
  link_to("disk/app.db", dir / "a");
  link_to(dir / "a", dir / "b");
  link_to("../../b", dir / "disk/deep/c");
  for (const char* name : {"a", "b", "disk/deep/c", "./a", "disk/../b", "disk//app.db"}) {
    CHECK(resolve_path(dir / name).value() == dir / "disk/app.db");
  }
}

TEST_CASE("a link whose target does not exist yet leads to where the target will be") {
  const TempDir temporary;
  const Path dir = std::filesystem::canonical(temporary.path());
  link_to("disk/app.db", dir / "app.db");
  CHECK(resolve_path(dir / "app.db").value() == dir / "disk/app.db");
  link_to("/no/such/volume", dir / "data");
  CHECK(resolve_path(dir / "data/app.db").value() == "/no/such/volume/app.db");
  CHECK(resolve_path(dir / "absent/./x/../app.db").value() == dir / "absent/app.db");
}

TEST_CASE("a linked directory is followed, and .. behind it is the target's parent") {
  const TempDir temporary;
  const Path dir = std::filesystem::canonical(temporary.path());
  std::filesystem::create_directories(dir / "disk/inner");
  link_to("disk/inner", dir / "data");
  CHECK(resolve_path(dir / "data/app.db").value() == dir / "disk/inner/app.db");
  CHECK(resolve_path(dir / "data/../app.db").value() == dir / "disk/app.db");
}

TEST_CASE("links in a circle are an error that names one of them") {
  const TempDir dir;
  link_to("b", dir / "a");
  link_to("a", dir / "b");
  link_to("self", dir / "self");
  for (const char* name : {"a", "b", "self"}) {
    const auto resolved = resolve_path(dir / name);
    REQUIRE_FALSE(resolved.has_value());
    CHECK(resolved.error().code == Code::Invalid);
    CHECK(resolved.error().text.find("circle") != std::string::npos);
  }
}

TEST_CASE("a relative path starts at the working directory") {
  const Path here = std::filesystem::canonical(std::filesystem::current_path());
  CHECK(resolve_path("no-such.db").value() == here / "no-such.db");
}

TEST_CASE("a mount point is recognised by its exact name, also with a blank in it") {
  constexpr std::string_view kMounts =
      "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
      "90 22 8:1 /home/me/app.db /data/app.db rw - ext4 /dev/sda1 rw\n"
      "91 22 8:1 /x /data/my\\040app.db rw - ext4 /dev/sda1 rw\n";
  CHECK(names_mount_point(kMounts, "/"));
  CHECK(names_mount_point(kMounts, "/data/app.db"));
  CHECK(names_mount_point(kMounts, "/data/my app.db"));
  CHECK_FALSE(names_mount_point(kMounts, "/data"));
  CHECK_FALSE(names_mount_point(kMounts, "/data/app.db-wal"));
  CHECK_FALSE(names_mount_point("", "/"));
  CHECK(is_mount_point("/proc"));
  CHECK_FALSE(is_mount_point("/proc/self"));
}

}  // namespace
}  // namespace walwrap::os
