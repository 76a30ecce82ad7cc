#include "walwrap/replication/replica/wal_reach.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;

WalCommits wal_with(std::uint32_t salt, const std::vector<std::uint32_t>& frames) {
  WalCommits found;
  found.salts = wal::Salts{salt, 7};
  for (const std::uint32_t frame : frames) found.commits.push_back({frame, {frame, 1}});
  return found;
}

wal::Position position(std::uint32_t salt, std::uint32_t frame, std::uint32_t checksum) {
  return {.salts = {salt, salt == 100 ? 7U : 8U}, .frame = frame, .checksum = {checksum, 1}};
}

TEST_CASE("a WAL proves a stored position, or shows that it is behind or forked") {
  struct Row {
    const char* what;
    WalCommits found;
    wal::Position stored;
    Reach expected;
  };
  const auto three = wal_with(100, {2, 5, 9});
  const Row rows[] = {
      {"it ends there", three, position(100, 9, 9), Reach::Proven},
      {"it goes on after it", three, position(100, 5, 5), Reach::Proven},
      {"nothing of this generation was stored", three, position(100, 0, 0), Reach::Proven},
      {"cut before it", three, position(100, 10, 10), Reach::Behind},
      {"cut to nothing", wal_with(100, {}), position(100, 1, 1), Reach::Behind},
      {"other frames in its place", three, position(100, 5, 6), Reach::Forked},
      {"no commit ends there", three, position(100, 4, 4), Reach::Forked},
      {"no WAL", {}, position(100, 5, 5), Reach::Unproven},
      {"an earlier generation", three, position(101, 1, 1), Reach::Behind},
      {"an earlier generation, of which nothing was stored", three, position(101, 0, 0),
       Reach::Behind},
      {"restarted since", three, position(99, 50, 1), Reach::Restarted},
      {"another WAL", three, position(70'000'000, 5, 5), Reach::Unproven},
      {"another WAL, the other way", three, position(0xf0000000, 5, 5), Reach::Unproven},
      {"the salts wrap", wal_with(1, {2}), position(0xffffffff, 5, 5), Reach::Restarted},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(reach_of(row.found, row.stored) == row.expected);
  }
}

TEST_CASE("of several stored positions the proven one counts") {
  const auto found = wal_with(100, {2, 5});
  const std::vector<wal::Position> cut_and_there = {position(100, 9, 9), position(100, 5, 5)};
  const auto proven = reach_of_any(found, cut_and_there);
  CHECK(proven.reach == Reach::Proven);
  CHECK(proven.proven == position(100, 5, 5));
  const std::vector<wal::Position> foreign_and_cut = {position(70'000'000, 5, 5),
                                                      position(100, 9, 9)};
  CHECK(reach_of_any(found, foreign_and_cut).reach == Reach::Behind);
  CHECK(reach_of_any(found, {}).reach == Reach::Unproven);
}

TEST_CASE("a position is kept in the reserved bytes of a header, and zeros are no position") {
  const wal::Position stored{.salts = {1, 0xfffffffe}, .frame = 77, .checksum = {3, 0x80000000}};
  CHECK(parse_position(format_position(stored)) == stored);
  CHECK_FALSE(parse_position(PositionBytes{}).has_value());
}

TEST_CASE("in a real WAL commits grow it, a restart follows it, and a cut is behind") {
  const testing::TempDir dir;
  const auto database = dir / "app.db";
  const auto wal = database.string() + "-wal";
  const auto last = [&] {
    const auto found = read_wal_commits(database).value();
    REQUIRE(found.salts.has_value());
    REQUIRE_FALSE(found.commits.empty());
    return wal::Position{*found.salts, found.commits.back().frame, found.commits.back().checksum};
  };
  CHECK_FALSE(read_wal_commits(database).value().salts.has_value());
  AppDb app(database);
  app.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a)");
  const auto first = last();
  app.run("INSERT INTO t VALUES(randomblob(9000))");
  const auto second = last();
  CHECK(second.frame > first.frame);
  CHECK(reach_of(read_wal_commits(database).value(), first) == Reach::Proven);
  const auto size = std::filesystem::file_size(wal);
  std::filesystem::copy_file(wal, dir / "copy.db-wal");
  std::filesystem::resize_file(dir / "copy.db-wal", size - 1);
  const auto cut = read_wal_commits(dir / "copy.db").value();
  CHECK(reach_of(cut, second) == Reach::Behind);
  CHECK(reach_of(cut, first) == Reach::Proven);
  app.run("PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES(2)");
  const auto third = last();
  CHECK(reach_of(read_wal_commits(database).value(), second) == Reach::Restarted);
  CHECK(reach_of(cut, third) == Reach::Behind);
  app.run("PRAGMA wal_checkpoint(TRUNCATE)");
  CHECK_FALSE(read_wal_commits(database).value().salts.has_value());
  app.run("INSERT INTO t VALUES(3)");
  CHECK(reach_of(read_wal_commits(database).value(), third) == Reach::Restarted);
}

}  // namespace
}  // namespace walwrap::replication
