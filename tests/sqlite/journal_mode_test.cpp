#include "walwrap/sqlite/journal_mode.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::sqlite {
namespace {

using testing::AppDb;
using testing::in_child;
using testing::TempDir;

struct ModeRig {
  TempDir directory;
  std::filesystem::path path = directory / "app.db";

  explicit ModeRig(const std::string& sql) {
    if (!sql.empty()) AppDb(path).run(sql);
  }
  ModeSight sight() const { return inspect_mode(path).value(); }
};

std::string name_of(const Result<ModeChange>& change) {
  if (!change) return change.error().text;
  constexpr const char* kNames[] = {"done", "not needed", "locked", "has a journal"};
  return kNames[static_cast<int>(*change)];
}

// What a change says in another process while this app's connection is in the middle of `sql`.
std::string change_beside(const ModeRig& rig, const std::string& sql) {
  return in_child([&]() -> std::string {
    AppDb app(rig.path);
    app.run(sql);
    return in_child([&] { return name_of(change_to_wal(rig.path)); });
  });
}

TEST_CASE("changing a rollback-journal database to WAL mode changes nothing else") {
  for (const char* page_size : {"512", "4096", "65536"}) {
    CAPTURE(page_size);
    const ModeRig rig(
        std::string("PRAGMA page_size=") + page_size +
        "; PRAGMA auto_vacuum=FULL; PRAGMA encoding='UTF-16le'; PRAGMA user_version=7;"
        "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    CHECK(rig.sight().mode == JournalMode::Rollback);
    const auto before = rig.sight();
    REQUIRE(name_of(change_to_wal(rig.path)) == "done");
    const auto after = rig.sight();
    CHECK(after.mode == JournalMode::Wal);
    CHECK(after.changes == before.changes + 1);
    CHECK(after.size == before.size);
    CHECK_FALSE(after.keeps_journal);
    AppDb app(rig.path);
    CHECK(app.text("PRAGMA journal_mode") == "wal");
    CHECK(app.text("PRAGMA page_size") == page_size);
    CHECK(app.text("PRAGMA auto_vacuum") == "1");
    CHECK(app.text("PRAGMA encoding") == "UTF-16le");
    CHECK(app.text("PRAGMA user_version") == "7");
    CHECK(app.text("PRAGMA integrity_check") == "ok");
    app.run("INSERT INTO t VALUES(2)");
    CHECK(app.number("SELECT count(*) FROM t") == 2);
    CHECK(name_of(change_to_wal(rig.path)) == "not needed");
  }
}

TEST_CASE("a connection from before the change uses WAL mode with its next statement") {
  const ModeRig rig("CREATE TABLE t(a)");
  const auto answer = in_child([&]() -> std::string {
    AppDb app(rig.path);
    app.run("INSERT INTO t VALUES(1)");
    const auto changed = in_child([&] { return name_of(change_to_wal(rig.path)); });
    if (changed != "done") return changed;
    app.run("PRAGMA busy_timeout=0; INSERT INTO t VALUES(2)");
    return app.text("PRAGMA journal_mode") + " " + app.text("SELECT count(*) FROM t");
  });
  CHECK(answer == "wal 2");
}

TEST_CASE("a database in use keeps its journal mode, and its app does not notice") {
  const ModeRig rig("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  for (const char* sql :
       {"BEGIN; SELECT * FROM t", "BEGIN IMMEDIATE", "BEGIN IMMEDIATE; INSERT INTO t VALUES(2)",
        "BEGIN EXCLUSIVE", "PRAGMA locking_mode=EXCLUSIVE; SELECT * FROM t"}) {
    CAPTURE(sql);
    CHECK(change_beside(rig, sql) == "locked");
    CHECK(rig.sight().mode == JournalMode::Rollback);
  }
  const auto answer = in_child([&]() -> std::string {
    AppDb app(rig.path);
    app.run("PRAGMA busy_timeout=0; BEGIN IMMEDIATE; INSERT INTO t VALUES(2)");
    if (in_child([&] { return name_of(change_to_wal(rig.path)); }) != "locked") return "changed";
    const int own = ::getpid();
    const auto seen = in_child([&]() -> std::string {
      const auto sight = inspect_mode(rig.path).value();
      const bool is_named = sight.is_locked && sight.holder == os::Pid{own};
      return is_named ? "in use" : "free";
    });
    app.run("COMMIT");
    return seen;
  });
  CHECK(answer == "in use");
  CHECK_FALSE(rig.sight().is_locked);
}

TEST_CASE("the journal of a killed app is rolled back before the mode changes") {
  const ModeRig rig("PRAGMA cache_size=1; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  in_child([&]() -> std::string {
    AppDb app(rig.path);
    // Spills, so the database file is changed and the journal is needed.
    app.run("PRAGMA cache_size=1; BEGIN; INSERT INTO t VALUES(randomblob(200000))");
    ::_exit(0);
  });
  CHECK(rig.sight().has_journal);
  CHECK(name_of(change_to_wal(rig.path)) == "has a journal");
  CHECK(rig.sight().mode == JournalMode::Rollback);
  CHECK(AppDb(rig.path).number("SELECT count(*) FROM t") == 1);
  CHECK(name_of(change_to_wal(rig.path)) == "done");
}

TEST_CASE("a journal of a finished transaction does not prevent the change") {
  for (const char* mode : {"PERSIST", "TRUNCATE"}) {
    CAPTURE(mode);
    const ModeRig rig(std::string("PRAGMA journal_mode=") + mode +
                      "; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    CHECK(os::exists(rig.path.string() + "-journal"));
    CHECK_FALSE(rig.sight().has_journal);
    CHECK(rig.sight().keeps_journal);
    CHECK(name_of(change_to_wal(rig.path)) == "done");
    CHECK(AppDb(rig.path).number("SELECT count(*) FROM t") == 1);
  }
}

TEST_CASE("a file that is not a database is distinguished from one not written yet") {
  const ModeRig rig("");
  CHECK(inspect_mode(rig.path).error().code == Code::NotFound);
  std::ofstream(rig.path).flush();
  CHECK(rig.sight().mode == JournalMode::None);
  CHECK(name_of(change_to_wal(rig.path)) == "not needed");
  std::ofstream(rig.path) << std::string(8192, 'x');
  CHECK(inspect_mode(rig.path).error().code == Code::Corrupt);
  CHECK(name_of(change_to_wal(rig.path)) == "not needed");
  CHECK(inspect_mode(rig.directory.path()).error().code == Code::Invalid);
}

TEST_CASE("a first transaction that has not written its first page is not damage") {
  const ModeRig rig("");
  const auto answer = in_child([&]() -> std::string {
    AppDb app(rig.path);
    app.run(
        "PRAGMA cache_size=1; BEGIN; CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(99999))");
    return in_child([&]() -> std::string {
      const auto sight = inspect_mode(rig.path);
      if (sight) return sight->is_locked || sight->size == 0 ? "waits" : "free";
      return sight.error().code == Code::Busy ? "waits" : sight.error().text;
    });
  });
  CHECK(answer == "waits");
}

}  // namespace
}  // namespace walwrap::sqlite
