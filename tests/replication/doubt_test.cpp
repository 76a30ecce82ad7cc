#include "walwrap/replication/doubt.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;

FileNote note_of(const os::Path& database) {
  return FileNote(StateDir::open(database).value());
}

struct DoubtRig {
  testing::TempDir directory;
  os::Path path = directory / "app.db";
  AppDb app{path};
  std::unique_ptr<Attachment> attachment;
  Doubt doubt{"app.db", testing::kSystemClock, testing::kNoLog};

  DoubtRig() {
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    auto owner = sqlite::CheckpointOwner::attach(path, testing::kSystemClock).value();
    attachment = Attachment::open(std::move(owner), std::nullopt, note_of(path)).value();
    app.run("INSERT INTO t VALUES(1)");
  }
  void replaced() { doubt.on_replaced(*attachment, DatabaseFiles::at(path)); }
  void resolve(MonoTime deadline) { doubt.resolve(*attachment, deadline); }
};

TEST_CASE("commits of a replaced database are dropped while no process reads them") {
  DoubtRig rig;
  rig.replaced();
  CHECK(rig.doubt.text().empty());
  CHECK(rig.attachment->owner().read_index()->header.max_frame == 0);
}

TEST_CASE("commits of a replaced database that a reader needs are checked at the end, in time") {
  DoubtRig rig;
  rig.app.run("BEGIN; SELECT count(*) FROM t");
  rig.replaced();
  CHECK(rig.doubt.text().find("its WAL held commits") != std::string::npos);
  rig.app.run(
      "COMMIT; WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 5000) "
      "INSERT INTO t SELECT x FROM c");
  rig.resolve(testing::kSystemClock.mono() - std::chrono::seconds(1));
  CHECK_FALSE(rig.doubt.text().empty());
  rig.resolve(testing::kSystemClock.mono() + std::chrono::seconds(20));
  CHECK(rig.doubt.text().empty());
}

TEST_CASE("changed files are checked once, damaged ones again after a pause or a replacement") {
  DoubtRig rig;
  const auto never = [] { return false; };
  CHECK(rig.doubt.check(*rig.attachment, never).empty());  // nothing has changed
  rig.app.run(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 5000) "
      "INSERT INTO t SELECT x FROM c");
  rig.doubt.on_changed();
  CHECK(rig.doubt.check(*rig.attachment, [] { return true; }).find("not checked yet") !=
        std::string::npos);
  CHECK(rig.doubt.check(*rig.attachment, never).empty());
  rig.app.run(
      "CREATE TABLE u(b UNIQUE); PRAGMA writable_schema=ON; "
      "UPDATE sqlite_master SET rootpage = 77 WHERE name = 'u'");
  rig.doubt.on_changed();
  const auto damaged = rig.doubt.check(*rig.attachment, never);
  CHECK(damaged.find("is damaged now") != std::string::npos);
  CHECK(rig.doubt.check(*rig.attachment, [] { return true; }) == damaged);  // not read again
}

TEST_CASE("an integrity error that only the app can check is not reported as damage") {
  DoubtRig rig;
  const auto never = [] { return false; };
  SUBCASE("a row that breaks a constraint") {
    rig.app.run(
        "CREATE TABLE c(x CHECK(x > 0)); PRAGMA ignore_check_constraints=ON; "
        "INSERT INTO c VALUES(-1)");
  }
  SUBCASE("a function of its own") {
    rig.app.run(
        "CREATE TABLE d(x); PRAGMA writable_schema=ON; INSERT INTO sqlite_master VALUES("
        "'index', 'i', 'd', 0, 'CREATE INDEX i ON d(own(x))')");
  }
  rig.doubt.on_changed();
  CHECK(rig.doubt.check(*rig.attachment, never) == "");
}

}  // namespace
}  // namespace walwrap::replication
