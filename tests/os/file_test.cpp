#include "walwrap/os/file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::names_in;
using testing::TempDir;
using testing::text_of;
using testing::write_text;

TEST_CASE("the status of a path describes the file there, also through a link") {
  const TempDir dir;
  write_text(dir / "file", "12345");
  REQUIRE(::symlink("file", (dir / "link").c_str()) == 0);
  REQUIRE(::chmod((dir / "file").c_str(), 0640) == 0);

  const FileStatus file = status_of(dir / "file").value();
  CHECK(file.type == FileType::Regular);
  CHECK(file.size == 5);
  CHECK(file.mode == 0640);
  CHECK(file.owner.user == ::geteuid());
  CHECK(status_of(dir / "link").value().id == file.id);
  CHECK(status_of(dir.path()).value().type == FileType::Directory);
  CHECK_FALSE(status_of(dir.path()).value().id == file.id);
  CHECK(status_of("/dev/null").value().type == FileType::Other);
  CHECK(status_of(dir / "missing").error().code == Code::NotFound);
  CHECK(status_of(dir / "file" / "below").error().code == Code::Invalid);
  CHECK(os::exists(dir / "file"));
  CHECK_FALSE(os::exists(dir / "missing"));
}

TEST_CASE("renaming replaces an existing file, and linking does not") {
  const TempDir dir;
  write_text(dir / "a", "a");
  write_text(dir / "b", "b");
  CHECK(link_new(dir / "a", dir / "b").error().code == Code::Exists);
  CHECK(text_of(dir / "b") == "b");
  REQUIRE(link_new(dir / "a", dir / "c").has_value());
  CHECK(status_of(dir / "c").value().id == status_of(dir / "a").value().id);
  REQUIRE(os::rename(dir / "a", dir / "b").has_value());
  CHECK(text_of(dir / "b") == "a");
  CHECK(names_in(dir.path()) == std::vector<std::string>{"b", "c"});
  CHECK(os::rename(dir / "a", dir / "b").error().code == Code::NotFound);
  CHECK(remove_empty_directory(dir.path()).error().code == Code::Busy);
  REQUIRE(make_directories(dir / "empty", 0700).has_value());
  CHECK(remove_empty_directory(dir / "empty").has_value());
  CHECK(remove_empty_directory(dir / "empty").error().code == Code::NotFound);
  REQUIRE(remove_file(dir / "b").has_value());
  CHECK(remove_file(dir / "b").error().code == Code::NotFound);
}

TEST_CASE("directories are created with their parents, and existing ones are no error") {
  const TempDir dir;
  REQUIRE(make_directories(dir / "a/b/c", 0700).has_value());
  REQUIRE(make_directories(dir / "a/b/c/", 0700).has_value());
  CHECK(status_of(dir / "a/b/c").value().mode == 0700);
  write_text(dir / "a/file", "");
  CHECK(make_directories(dir / "a/file", 0700).error().code == Code::Exists);
  CHECK_FALSE(make_directories(dir / "a/file/below", 0700).has_value());
  CHECK(sync_directory(dir / "a").has_value());
  CHECK(sync_directory(dir / "missing").error().code == Code::NotFound);
}

TEST_CASE("a directory lists the names in it, whatever bytes they contain") {
  const TempDir dir;
  CHECK(names_in(dir.path()).empty());
  const std::vector<std::string> odd{" leading space", ".hidden", "new\nline", "not \xff utf-8"};
  for (const std::string& name : odd) write_text(dir / name, "");
  CHECK(names_in(dir.path()) == odd);
  CHECK(list_directory(dir / "missing").error().code == Code::NotFound);
  CHECK(list_directory(dir / ".hidden").error().code == Code::Invalid);
}

TEST_CASE("a file is read up to the limit and refused beyond the limit") {
  const TempDir dir;
  const std::string content(200'000, 'x');
  write_text(dir / "file", content);
  CHECK(as_text(read_file(dir / "file", 200'000).value()) == content);
  CHECK(read_file(dir / "file", 199'999).error().code == Code::Invalid);
  write_text(dir / "empty", "");
  CHECK(read_file(dir / "empty", 0).value().empty());
  CHECK(read_file(dir / "missing", 1).error().code == Code::NotFound);
  CHECK(read_file(dir.path(), 1).error().code == Code::Invalid);
  CHECK(text_of("/proc/self/stat").starts_with(std::to_string(::getpid())));  // has no size
}

TEST_CASE("the modification time is set to the millisecond, also before 1970") {
  const TempDir dir;
  write_text(dir / "file", "x");
  for (const char* const text : {"2026-03-01T12:34:56.789Z", "1969-12-31T23:59:59.250Z"}) {
    CAPTURE(text);
    const WallTime time = parse_rfc3339(text).value();
    REQUIRE(set_modified(dir / "file", time).has_value());
    CHECK(status_of(dir / "file").value().modified == time);
  }
  CHECK(set_modified(dir / "missing", WallTime{}).error().code == Code::NotFound);
}

TEST_CASE("file systems are identified by name, with their free space") {
  CHECK(filesystem_name("/proc").value() == "proc");
  CHECK_FALSE(filesystem_name("/").value().empty());
  CHECK(filesystem_name("/missing").error().code == Code::NotFound);
  CHECK(free_bytes(std::filesystem::temp_directory_path()).value() > 0);
  CHECK(free_bytes("/missing").error().code == Code::NotFound);
}

TEST_CASE("whether a file can be created in a directory is known before one is created") {
  const TempDir dir;
  CHECK(may_create_in(dir.path()).has_value());
  CHECK(may_create_in("/missing").error().code == Code::NotFound);
  REQUIRE(::chmod(dir.path().c_str(), 0555) == 0);
  const auto as_nobody = testing::in_child([&]() -> std::string {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) return "setuid";
    const auto may = may_create_in(dir.path());
    return may ? "" : may.error().text;
  });
  CHECK(as_nobody == "write to " + dir.path().string() + ": Permission denied");
}

TEST_CASE("a file is read and written at any offset") {
  const TempDir dir;
  File file = File::open(dir / "file", File::Open::CreateNew).value();
  REQUIRE(file.write_at(as_bytes("world"), 6).has_value());
  REQUIRE(file.write_at(as_bytes("hello "), 0).has_value());
  CHECK(file.size().value() == 11);
  std::array<std::byte, 20> buffer{};
  CHECK(file.read_at(buffer, 0).value() == 11);
  CHECK(as_text(ByteSpan(buffer).first(11)) == "hello world");
  CHECK(file.read_at(MutableByteSpan(buffer).first(3), 8).value() == 3);
  CHECK(as_text(ByteSpan(buffer).first(3)) == "rld");
  CHECK(file.read_at(buffer, 11).value() == 0);
  REQUIRE(file.truncate(4).has_value());
  CHECK(file.size().value() == 4);
  CHECK(file.sync().has_value());
}

TEST_CASE("the mode of opening decides whether the file may be missing or must be new") {
  const TempDir dir;
  CHECK(File::open(dir / "file", File::Open::ReadOnly).error().code == Code::NotFound);
  CHECK(File::open(dir / "file", File::Open::ReadWrite).error().code == Code::NotFound);
  CHECK(File::open(dir / "file", File::Open::CreateNew).has_value());
  CHECK(File::open(dir / "file", File::Open::CreateNew).error().code == Code::Exists);
  CHECK(status_of(dir / "file").value().mode == 0600);
  CHECK(File::open(dir / "file", File::Open::ReadWrite).has_value());
  File file = File::open(dir / "file", File::Open::ReadOnly).value();
  CHECK_FALSE(file.write_at(as_bytes("x"), 0).has_value());
  CHECK((::fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("reserving space keeps the content and never shortens a file") {
  const TempDir dir;
  File file = File::open(dir / "file", File::Open::CreateNew).value();
  REQUIRE(file.write_at(as_bytes("data"), 0).has_value());
  REQUIRE(file.allocate(100'000).has_value());
  CHECK(file.size().value() == 100'000);
  REQUIRE(file.allocate(10).has_value());
  REQUIRE(file.allocate(0).has_value());
  CHECK(file.size().value() == 100'000);
  CHECK(text_of(dir / "file").starts_with("data"));
}

TEST_CASE("root gives a user new directories, but not existing ones") {
  const TempDir dir;
  const FileOwner them{12'345, 12'346};
  const FileOwner us = status_of(dir.path()).value().owner;
  if (::geteuid() != 0) {
    CHECK(set_owner(dir.path(), them).error().code == Code::Denied);
    return;
  }
  REQUIRE(make_directories(dir / "a", 0755).has_value());
  REQUIRE(make_directories(dir / "a" / "b" / "c", 0755, them).has_value());
  CHECK(status_of(dir / "a").value().owner == us);
  CHECK(status_of(dir / "a" / "b").value().owner == them);
  CHECK(status_of(dir / "a" / "b" / "c").value().owner == them);
  File file = File::open(dir / "file", File::Open::CreateNew).value();
  REQUIRE(file.set_owner(them).has_value());
  CHECK(file.status().value().owner == them);
}

}  // namespace
}  // namespace walwrap::os
