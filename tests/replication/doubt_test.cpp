#include "walwrap/replication/doubt.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;

FileNote note_for(const os::Path& database) {
  return FileNote(StateDir::open(database).value());
}

struct Rig {
  testing::TempDir directory;
  os::Path path = directory / "app.db";
  AppDb app{path};
  std::unique_ptr<Attachment> attachment;
  Doubt doubt{"app.db", testing::kSystemClock, testing::kNoLog};

  Rig() {
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    auto owner = sqlite::CheckpointOwner::attach(path, testing::kSystemClock).value();
    attachment = Attachment::open(std::move(owner), std::nullopt, note_for(path)).value();
    app.run("INSERT INTO t VALUES(1)");
  }
  void replaced() { doubt.on_replaced(*attachment, DatabaseFiles::at(path)); }
  void resolve(MonoTime deadline) { doubt.resolve(*attachment, deadline); }
};

TEST_CASE("commits of a replaced database are dropped while nobody reads them") {
  Rig rig;
  rig.replaced();
  CHECK(rig.doubt.text().empty());
  CHECK(rig.attachment->owner().read_index()->header.max_frame == 0);
}

TEST_CASE("where somebody reads them the database is checked at the end, and in time") {
  Rig rig;
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

}  // namespace
}  // namespace walwrap::replication
