#include "walwrap/replication/attachment.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("an attachment captures what the app commits, and lets the app go on when it ends") {
  const testing::TempDir directory;
  testing::AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto owner = sqlite::CheckpointOwner::attach(directory / "app.db", testing::kSystemClock).value();
  auto attachment = Attachment::open(std::move(owner), std::nullopt).value();
  REQUIRE(attachment->has_snapshot());
  app.run("INSERT INTO t VALUES(1)");
  CHECK(attachment->capture().drain(*attachment->owner().read_index()).value());
  auto snapshot = attachment->lend_snapshot();
  CHECK_FALSE(attachment->has_snapshot());
  attachment->give_back(std::move(snapshot));
  CHECK(attachment->has_snapshot());
  attachment.reset();
  app.run("INSERT INTO t VALUES(2); PRAGMA wal_checkpoint(TRUNCATE)");
  CHECK(app.number("SELECT count(*) FROM t") == 2);
}

}  // namespace
}  // namespace walwrap::replication
