#include "walwrap/sqlite/still_database.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::sqlite {
namespace {

using testing::AppDb;
using testing::TempDir;

std::string content_of(const StillDatabase& database) {
  std::string all;
  ByteVector page(database.page_size().value);
  for (std::uint32_t pgno = 1; pgno <= database.pages(); ++pgno) {
    REQUIRE(database.read_page(Pgno{pgno}, page).has_value());
    all += as_text(page);
  }
  return all;
}

std::string bytes_of(const os::Path& path) {
  return std::string(as_text(os::read_file(path, Bytes{64} << 20).value()));
}

// As an app left it that was killed: with a -wal that nobody has checkpointed.
void leave_wal(const os::Path& from, const os::Path& to) {
  std::filesystem::copy_file(from, to);
  std::filesystem::copy_file(from.string() + "-wal", to.string() + "-wal");
}

TEST_CASE("a database in rollback journal mode is read unchanged") {
  const TempDir dir;
  AppDb(dir / "a.db")
      .run("PRAGMA page_size=1024; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(9000))");
  const auto before = bytes_of(dir / "a.db");
  {
    const auto still = StillDatabase::open(dir / "a.db");
    REQUIRE(still.has_value());
    CHECK(still->page_size().value == 1024);
    CHECK(content_of(*still) == before);
  }
  CHECK(bytes_of(dir / "a.db") == before);
  CHECK(testing::names_in(dir.path()) == std::vector<std::string>{"a.db"});
}

TEST_CASE("committed frames in a -wal are read, and uncommitted ones are not") {
  const TempDir dir;
  {
    AppDb app(dir / "a.db");
    app.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a)");
    app.run("PRAGMA wal_checkpoint(TRUNCATE)");
    app.run("INSERT INTO t VALUES(randomblob(20000)); DELETE FROM t; INSERT INTO t VALUES('kept')");
    leave_wal(dir / "a.db", dir / "b.db");
    // A transaction that was cut off: frames without their commit.
    auto wal = os::File::open(dir / "b.db-wal", os::File::Open::ReadWrite).value();
    const auto size = wal.size().value();
    REQUIRE(wal.truncate(size - 100).has_value());
    leave_wal(dir / "a.db", dir / "c.db");
  }
  const auto still = StillDatabase::open(dir / "c.db").value();
  const auto got = content_of(still);
  // The oracle: SQLite's own checkpoint of a copy.
  std::filesystem::copy_file(dir / "c.db", dir / "d.db");
  std::filesystem::copy_file(dir / "c.db-wal", dir / "d.db-wal");
  AppDb(dir / "d.db").run("PRAGMA wal_checkpoint(TRUNCATE)");
  CHECK(got == bytes_of(dir / "d.db"));
  CHECK(os::exists(dir / "c.db-wal"));
  CHECK_FALSE(os::exists(dir / "c.db-shm"));

  const auto cut = StillDatabase::open(dir / "b.db").value();
  CHECK(content_of(cut) != got);
  AppDb(dir / "b.db").run("PRAGMA wal_checkpoint(TRUNCATE)");
}

TEST_CASE("a database that another process has open is busy") {
  const TempDir dir;
  AppDb(dir / "wal.db").run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  AppDb(dir / "rollback.db").run("CREATE TABLE t(a)");
  AppDb reader(dir / "wal.db"), writer(dir / "rollback.db");
  reader.run("SELECT * FROM t");
  writer.run("BEGIN IMMEDIATE");
  const auto said = testing::in_child([&] {
    std::string text;
    for (const char* name : {"wal.db", "rollback.db"}) {
      const auto still = StillDatabase::open(dir / name);
      text += still ? "open " : std::string(code_name(still.error().code)) + " ";
    }
    return text;
  });
  CHECK(said == "busy busy ");
}

TEST_CASE("a transaction to roll back is reported, and so is a file that is not a database") {
  const TempDir dir;
  {
    AppDb app(dir / "a.db");
    app.run("PRAGMA cache_size=1; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(50000))");
    app.run("BEGIN; UPDATE t SET a=randomblob(50000)");
    std::filesystem::copy_file(dir / "a.db", dir / "hot.db");
    std::filesystem::copy_file(dir / "a.db-journal", dir / "hot.db-journal");
    app.run("ROLLBACK");
  }
  CHECK(StillDatabase::open(dir / "hot.db").error().code == Code::Unsupported);
  AppDb(dir / "hot.db").text("SELECT count(*) FROM t");
  CHECK(StillDatabase::open(dir / "hot.db").has_value());

  testing::write_text(dir / "text", std::string(200, 'x'));
  testing::write_text(dir / "empty", "");
  CHECK(StillDatabase::open(dir / "text").error().code == Code::Corrupt);
  CHECK(StillDatabase::open(dir / "empty").error().code == Code::NotFound);
  CHECK(StillDatabase::open(dir / "none").error().code == Code::NotFound);
}

TEST_CASE("a lock that would delay attaching is reported with its process") {
  const TempDir dir;
  AppDb(dir / "wal.db").run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  AppDb(dir / "rollback.db").run("CREATE TABLE t(a)");
  CHECK(check_attachable(dir / "wal.db").has_value());
  CHECK(check_attachable(dir / "rollback.db").has_value());
  AppDb reader(dir / "wal.db"), writer(dir / "rollback.db");
  reader.run("SELECT * FROM t");
  writer.run("BEGIN IMMEDIATE");
  const auto said = testing::in_child([&]() -> std::string {
    const auto beside_reader = check_attachable(dir / "wal.db");
    const auto beside_writer = check_attachable(dir / "rollback.db");
    if (!beside_reader) return beside_reader.error().text;
    return beside_writer ? "free" : beside_writer.error().text;
  });
  CHECK(said.find(fmt::format("is locked by process {}", ::getpid())) != std::string::npos);
}

}  // namespace
}  // namespace walwrap::sqlite
