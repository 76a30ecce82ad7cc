#include "walwrap/replication/attachment.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

FileNote note_for(const os::Path& database) {
  return FileNote(StateDir::open(database).value());
}

TEST_CASE("an attachment captures the app's commits, and the app continues when it ends") {
  const testing::TempDir directory;
  testing::AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto owner = sqlite::CheckpointOwner::attach(directory / "app.db", testing::kSystemClock).value();
  auto attachment =
      Attachment::open(std::move(owner), std::nullopt, note_for(directory / "app.db")).value();
  REQUIRE(attachment->has_snapshot());
  app.run("INSERT INTO t VALUES(1)");
  CHECK(attachment->capture().drain(*attachment->owner().read_index()).value());
  auto job = attachment->make_job(
      {}, {.give_back = [&](auto back) { attachment->give_back(std::move(back)); },
           .is_recalled = [] { return false; }});
  REQUIRE(job.value().has_value());
  CHECK_FALSE(attachment->has_snapshot());
  attachment->check_invariants();
  (*job)->snapshot.give_back();
  CHECK(attachment->has_snapshot());
  attachment->check_invariants();
  attachment.reset();
  app.run("INSERT INTO t VALUES(2); PRAGMA wal_checkpoint(TRUNCATE)");
  CHECK(app.number("SELECT count(*) FROM t") == 2);
}

TEST_CASE("a truncated WAL does not hold the frames that its index lists") {
  const testing::TempDir directory;
  testing::AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto owner = sqlite::CheckpointOwner::attach(directory / "app.db", testing::kSystemClock).value();
  const auto attachment =
      Attachment::open(std::move(owner), std::nullopt, note_for(directory / "app.db")).value();
  app.run("INSERT INTO t VALUES(1)");
  const auto index = *attachment->owner().read_index();
  REQUIRE(index.not_backfilled() > 0);
  CHECK(attachment->has_whole_wal(index));
  std::filesystem::resize_file(directory / "app.db-wal", 100);
  CHECK_FALSE(attachment->has_whole_wal(index));
}

TEST_CASE("walwrap's own checkpoint is not a foreign write, and any other write is") {
  const testing::TempDir directory;
  const auto path = directory / "app.db";
  testing::AppDb app(path);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto owner = sqlite::CheckpointOwner::attach(path, testing::kSystemClock).value();
  const auto attachment =
      Attachment::open(std::move(owner), std::nullopt, note_for(directory / "app.db")).value();
  const auto is_known = [&] {
    return attachment->is_content_known(os::stamp_of(path).value(), Attachment::Checkpoints::Ours);
  };
  CHECK(is_known());
  app.run("INSERT INTO t VALUES(randomblob(100000))");
  CHECK(is_known());
  REQUIRE(attachment->owner().pass([]() -> Result<void> { return {}; }).has_value());
  CHECK_FALSE(is_known());
  CHECK(attachment->note_checkpoint());
  CHECK(is_known());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  CHECK(is_known());
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(18);
    file.write("\1\1", 2);  // as a library that knows no WAL leaves it
  }
  CHECK_FALSE(is_known());
  CHECK_FALSE(
      attachment->is_content_known(os::stamp_of(path).value(), Attachment::Checkpoints::Lent));
  CHECK_FALSE(attachment->note_checkpoint());
}

}  // namespace
}  // namespace walwrap::replication
