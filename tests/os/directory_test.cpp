#include "walwrap/os/directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using testing::text_of;
using testing::write_text;

// As --user has it, where a test may give files away; else ourselves.
FileOwner app_user() {
  return ::geteuid() == 0 ? FileOwner{12'345, 12'346} : FileOwner{::geteuid(), ::getegid()};
}

TEST_CASE("a file is created, opened, renamed and removed by its name in a directory") {
  const TempDir dir;
  const auto directory = Directory::open_or_make(dir / "a", 0700, app_user()).value();
  auto file = directory.create_file("one").value();
  CHECK(file.status().value().owner == app_user());
  REQUIRE(file.write(as_bytes("text")).has_value());
  CHECK(directory.create_file("one").error().code == Code::Exists);
  REQUIRE(directory.rename("one", "two").has_value());
  REQUIRE(directory.sync().has_value());
  CHECK(directory.names().value() == std::vector<std::string>{"two"});
  CHECK(text_of(dir / "a/two") == "text");
  CHECK(directory.open_file("two", File::Open::ReadOnly).has_value());
  CHECK(directory.open_or_replace("two")->status()->size == 4);
  REQUIRE(directory.remove("two").has_value());
  CHECK(directory.remove("two").error().code == Code::NotFound);
  CHECK(directory.open_file("two", File::Open::ReadWrite).error().code == Code::NotFound);
  CHECK(directory.open_or_replace("two")->status()->size == 0);
}

TEST_CASE("a link in place of a directory is not followed") {
  const TempDir dir;
  fs::create_directory(dir / "target");
  fs::create_directory_symlink(dir / "target", dir / "link");
  write_text(dir / "file", "text");
  for (const char* name : {"link", "file"}) {
    const auto opened = Directory::open_or_make(dir / name, 0700, app_user());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == Code::Invalid);
  }
  CHECK(Directory::open(dir / "missing", {}).error().code == Code::NotFound);
}

TEST_CASE("a link or pipe in place of a file is not opened, and its target is not touched") {
  const TempDir dir;
  const auto directory = Directory::open_or_make(dir / "state", 0700, app_user()).value();
  write_text(dir / "secret", "of root");
  const auto before = status_of(dir / "secret").value();
  const auto plant = [&](std::string_view what) {
    const auto place = dir / "state" / "pages";
    if (what == "symbolic link") fs::create_symlink(dir / "secret", place);
    if (what == "dangling link") fs::create_symlink(dir / "new", place);
    if (what == "hard link") fs::create_hard_link(dir / "secret", place);
    if (what == "pipe") REQUIRE(::mkfifo(place.c_str(), 0666) == 0);
  };
  for (const std::string_view what : {"symbolic link", "dangling link", "hard link", "pipe"}) {
    CAPTURE(what);
    plant(what);
    for (const auto how : {File::Open::ReadOnly, File::Open::ReadWrite}) {
      CHECK(directory.open_file("pages", how).error().code == Code::Invalid);
    }
    const auto made = directory.open_or_replace("pages");
    REQUIRE(made.has_value());
    CHECK(made->status()->size == 0);
    CHECK(made->status().value().owner == app_user());
    REQUIRE(directory.remove("pages").has_value());
    CHECK(text_of(dir / "secret") == "of root");
    CHECK(status_of(dir / "secret").value().owner == before.owner);
    CHECK_FALSE(fs::exists(dir / "new"));
  }
}

TEST_CASE("a file of another user is not trusted, and a file of walwrap keeps its owner") {
  if (::geteuid() != 0) return;  // nobody else can make one
  const TempDir dir;
  const auto directory = Directory::open_or_make(dir / "state", 0700, app_user()).value();
  write_text(dir / "state/other", "x");
  REQUIRE(::chown((dir / "state/other").c_str(), 777, 777) == 0);
  CHECK(directory.open_file("other", File::Open::ReadWrite).error().code == Code::Invalid);
  write_text(dir / "state/ours", "x");
  const auto ours = directory.open_or_replace("ours");
  REQUIRE(ours.has_value());
  CHECK(ours->status().value().owner.user == 0);
  REQUIRE(::chown((dir / "state").c_str(), 777, 777) == 0);
  CHECK(Directory::open(dir / "state", app_user()).error().code == Code::Mismatch);
  CHECK(Directory::open(dir / "state", {}).has_value());
}

TEST_CASE("only a socket of walwrap's user changes its owner by name") {
  const TempDir dir;
  write_text(dir / "secret", "of root");
  fs::create_symlink(dir / "secret", dir / "link");
  CHECK_FALSE(give_socket(dir / "secret", app_user()).has_value());
  CHECK_FALSE(give_socket(dir / "link", app_user()).has_value());
  CHECK(give_socket(dir / "missing", app_user()).error().code == Code::NotFound);
}

}  // namespace
}  // namespace walwrap::os
