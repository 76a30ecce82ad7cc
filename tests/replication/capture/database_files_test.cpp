#include "walwrap/replication/capture/database_files.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

os::FileStamp file(std::uint64_t inode, Bytes size = 4096) {
  return {.id = {.device = 1, .inode = inode}, .size = size};
}

DatabaseFiles files(std::optional<os::FileStamp> database, std::optional<os::FileStamp> wal,
                    std::optional<os::FileStamp> index) {
  return {.database = database, .wal = wal, .index = index};
}

os::FileLock lock(int pid, std::uint64_t inode, Bytes byte, std::string device = "08:01") {
  return {.holder = os::Pid{pid},
          .device = std::move(device),
          .inode = inode,
          .first = byte,
          .last = byte};
}

TEST_CASE("each of the three files is recognised by its identity alone") {
  const auto attached = files(file(1), file(2), file(3));
  const auto none = std::optional<os::FileStamp>();
  struct Row {
    DatabaseFiles at_path;
    Difference expected;
  };
  const Row rows[] = {
      {files(file(1), file(2), file(3)), Difference::None},
      {files(file(1, 8192), file(2, 0), file(3)), Difference::None},
      {files(none, file(2), file(3)), Difference::DatabaseGone},
      {files(file(1, 0), file(2), file(3)), Difference::DatabaseGone},
      {files(none, none, none), Difference::DatabaseGone},
      {files(file(9), file(2), file(3)), Difference::DatabaseReplaced},
      {files(file(9), none, none), Difference::DatabaseReplaced},
      {files(file(1), none, file(3)), Difference::WalGone},
      {files(file(1), file(9), file(3)), Difference::WalReplaced},
      {files(file(1), file(2), none), Difference::IndexGone},
      {files(file(1), file(2), file(9)), Difference::IndexReplaced},
      {files(file(1), none, none), Difference::WalGone},
      {files(file(1), none, file(9)), Difference::IndexReplaced},
      {files(file(1), file(9), none), Difference::WalReplaced},
      {files(file(1), file(8), file(9)), Difference::WalReplaced},
  };
  for (const Row& row : rows) {
    CHECK(find_difference(attached, row.at_path) == row.expected);
  }
}

TEST_CASE("the watchdog sees another file, other content, and a file without an attachment") {
  const auto attached = files(file(1), file(2), file(3));
  const auto none = std::optional<os::FileStamp>();
  CHECK(is_as_attached(attached, attached));
  CHECK(is_as_attached({}, {}));
  CHECK(is_as_attached({}, files(file(1, 0), none, none)));
  CHECK_FALSE(is_as_attached({}, files(file(1), none, none)));
  CHECK_FALSE(is_as_attached(attached, {}));
  CHECK_FALSE(is_as_attached(attached, files(file(9), file(2), file(3))));
  CHECK_FALSE(is_as_attached(attached, files(file(1), none, file(3))));
  CHECK_FALSE(is_as_attached(attached, files(file(1, 8192), file(2), file(3))));
}

TEST_CASE("a deleted WAL is read while the app writes to it, and other changes are followed") {
  using enum Reaction;
  struct Row {
    Difference difference;
    Reaction used, unused, not_known, at_the_end;
  };
  const Row rows[] = {
      {Difference::None, GoOn, GoOn, GoOn, GoOn},
      {Difference::DatabaseGone, Reattach, Reattach, Reattach, Reattach},
      {Difference::DatabaseReplaced, Reattach, Reattach, Reattach, Reattach},
      {Difference::WalReplaced, Reattach, Reattach, Reattach, Reattach},
      {Difference::DatabaseHidden, KeepReading, KeepReading, KeepReading, KeepReading},
      {Difference::IndexReplaced, KeepReading, Reattach, KeepReading, Reattach},
      {Difference::WalGone, KeepReading, CheckpointReattach, KeepReading, CheckpointReattach},
      {Difference::IndexGone, KeepReading, CheckpointReattach, KeepReading, CheckpointReattach},
  };
  for (const Row& row : rows) {
    CHECK(react_to(row.difference, OtherUsers::Some, false) == row.used);
    CHECK(react_to(row.difference, OtherUsers::None, false) == row.unused);
    CHECK(react_to(row.difference, OtherUsers::NotKnown, false) == row.not_known);
    CHECK(react_to(row.difference, OtherUsers::Some, true) == row.at_the_end);
    CHECK_FALSE(describe(row.difference).empty());
  }
}

TEST_CASE("another process has the database open as long as it holds a lock on the -shm") {
  const os::FileId index{.device = 7, .inode = 42};
  const os::Pid self{10};
  CHECK(find_other_users({}, index, self) == OtherUsers::NotKnown);
  CHECK(find_other_users({lock(20, 42, 128)}, index, self) == OtherUsers::NotKnown);
  CHECK(find_other_users({lock(10, 42, 121)}, index, self) == OtherUsers::None);
  CHECK(find_other_users({lock(10, 42, 121), lock(20, 42, 128)}, index, self) == OtherUsers::Some);
  CHECK(find_other_users({lock(20, 42, 123), lock(10, 42, 121)}, index, self) == OtherUsers::Some);
  CHECK(find_other_users({lock(10, 42, 121), lock(20, 43, 128)}, index, self) == OtherUsers::None);
  CHECK(find_other_users({lock(10, 42, 121), lock(20, 42, 128, "08:02")}, index, self) ==
        OtherUsers::None);
}

TEST_CASE("the files at a path are the ones that SQLite has open there") {
  const testing::TempDir directory;
  const os::Path path = directory / "app.db";
  CHECK_FALSE(DatabaseFiles::at(path).has_database());
  std::ofstream(path).close();
  CHECK_FALSE(DatabaseFiles::at(path).has_database());
  testing::AppDb app(path);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto files = DatabaseFiles::at(path);
  CHECK(files.has_database());
  CHECK(files.wal.has_value());
  CHECK(files.index.has_value());
}

TEST_CASE("a link in place of the database is another file, and an unreadable one is not gone") {
  const testing::TempDir directory;
  const os::Path path = directory / "app.db";
  testing::AppDb(path).run("CREATE TABLE t(a)");
  const auto attached = DatabaseFiles::at(path);
  std::filesystem::rename(path, directory / "moved.db");
  std::filesystem::create_symlink(directory / "moved.db", path);
  CHECK(find_difference(attached, DatabaseFiles::at(path)) == Difference::DatabaseReplaced);
  // A file has nothing below it, and nobody says that this is "not there".
  const auto hidden = DatabaseFiles::at(directory / "moved.db" / "app.db");
  CHECK_FALSE(hidden.is_told());
  CHECK(find_difference(attached, hidden) == Difference::DatabaseHidden);
}

}  // namespace
}  // namespace walwrap::replication
