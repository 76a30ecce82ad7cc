#include "walwrap/os/rights.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::TempDir;
using testing::write_text;

FileStatus status_with(FileType type, std::uint32_t mode, FileOwner owner) {
  FileStatus status;
  status.type = type;
  status.mode = mode;
  status.owner = owner;
  return status;
}

TEST_CASE("a new file gets the mode, and under root the owner, of the old file or directory") {
  const auto app_file = status_with(FileType::Regular, 0640, {1000, 1001});
  const auto directory = [](std::uint32_t mode) {
    return status_with(FileType::Directory, mode, {1000, 1002});
  };
  struct Row {
    std::optional<FileStatus> replaced;
    FileStatus directory;
    Asking asking;
    FileRights expected;
  };
  const FileOwner of_file{1000, 1001}, of_directory{1000, 1002};
  const Row rows[] = {
      {app_file, directory(0755), Asking::Root, {of_file, 0640}},
      {app_file, directory(0755), Asking::User, {std::nullopt, 0640}},
      {{}, directory(0755), Asking::Root, {of_directory, 0644}},
      {{}, directory(0700), Asking::Root, {of_directory, 0600}},
      {{}, directory(02770), Asking::Root, {of_directory, 0660}},
      {{}, directory(01777), Asking::Root, {of_directory, 0664}},
      {{}, directory(0770), Asking::User, {}},
      {status_with(FileType::Regular, 04444, of_file),
       directory(0755),
       Asking::Root,
       {of_file, 0644}},
      {status_with(FileType::Other, 0666, of_file),
       directory(0755),
       Asking::Root,
       {of_directory, 0644}},
      {{}, status_with(FileType::Other, 0777, of_file), Asking::Root, {}},
  };
  for (const Row& row : rows) {
    CHECK(plan_rights(row.replaced, row.directory, row.asking) == row.expected);
  }
}

TEST_CASE("root gives a new file or directory the owner of its directory") {
  if (::geteuid() != 0) return;
  const TempDir dir;
  REQUIRE(::chown(dir.path().c_str(), 1234, 1235) == 0);
  REQUIRE(::chmod(dir.path().c_str(), 0750) == 0);
  auto file = File::open(dir / "new", File::Open::CreateNew).value();
  REQUIRE(give_rights(dir / "new", rights_at(dir / "app.db"), {}).has_value());
  CHECK(file.status().value().owner == FileOwner{1234, 1235});
  CHECK(file.status().value().mode == 0640);
  CHECK(owner_of_new_directory(dir / "a" / "b") == FileOwner{1234, 1235});

  REQUIRE(give_rights(dir / "new", rights_at(dir / "app.db"), FileOwner{7, 8}).has_value());
  CHECK(file.status().value().owner == FileOwner{7, 8});
}

TEST_CASE("a replaced file passes its mode to the new one") {
  const TempDir dir;
  write_text(dir / "app.db", "old");
  REQUIRE(::chmod((dir / "app.db").c_str(), 0666) == 0);
  auto file = File::open(dir / "new", File::Open::CreateNew).value();
  REQUIRE(give_rights(dir / "new", rights_at(dir / "app.db"), {}).has_value());
  CHECK(file.status().value().mode == 0666);
  CHECK(file.status().value().owner == FileOwner{::geteuid(), ::getegid()});
}

TEST_CASE("hard links to a file are counted, and symbolic links are not") {
  const TempDir dir;
  write_text(dir / "one", "x");
  CHECK(count_names(dir / "one") == 1);
  REQUIRE(link_new(dir / "one", dir / "two").has_value());
  CHECK(count_names(dir / "two") == 2);
  CHECK(count_names(dir / "none") == 0);
}

}  // namespace
}  // namespace walwrap::os
