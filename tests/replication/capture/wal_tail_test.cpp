#include "walwrap/replication/capture/wal_tail.hpp"

#include <doctest/doctest.h>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wal_builder.hpp"

namespace walwrap::replication {
namespace {

using testing::WalBuilder;

struct Log {
  testing::TempDir directory;
  WalBuilder wal{PageSize{512}, wal::WordOrder::Little};

  wal::Position position(std::uint32_t frame) const { return {wal.salts(), frame, wal.checksum()}; }
  bool holds_more(const std::optional<wal::Position>& stored) const {
    testing::write_text(directory / "app.db-wal", as_text(wal.bytes()));
    return holds_commit_beyond(stored, directory / "app.db-wal").value();
  }
};

TEST_CASE("the WAL's tail is searched for a commit beyond the stored position") {
  Log log;
  log.wal.frame(Pgno{1}, 1, 2).frame(Pgno{2}, 2, 2);
  const auto stored = log.position(2);
  CHECK_FALSE(log.holds_more(stored));
  CHECK(log.holds_more(std::nullopt));
  log.wal.frame(Pgno{1}, 3, 2);
  CHECK(log.holds_more(stored));
  CHECK_FALSE(log.holds_more(log.position(3)));
}

TEST_CASE("frames without a commit frame are not a commit") {
  Log log;
  log.wal.frame(Pgno{1}, 1, 2);
  const auto stored = log.position(1);
  log.wal.frame(Pgno{2}, 2).frame(Pgno{1}, 3);
  CHECK_FALSE(log.holds_more(stored));
}

TEST_CASE("a restarted WAL is beyond the stored position of the old one") {
  Log log;
  log.wal.frame(Pgno{1}, 1, 2).frame(Pgno{2}, 2, 2);
  const auto stored = log.position(2);
  log.wal.restart(77);
  CHECK_FALSE(log.holds_more(stored));  // what follows its header is of the old one
  log.wal.frame(Pgno{1}, 3, 2);
  CHECK(log.holds_more(stored));
  CHECK_FALSE(log.holds_more(log.position(1)));
}

TEST_CASE("a commit after many pages of its transaction is found") {
  Log log;
  log.wal.frame(Pgno{1}, 1, 2);
  const auto stored = log.position(1);
  for (std::uint32_t page = 2; page < 2'000; ++page) log.wal.frame(Pgno{page}, 5);
  CHECK_FALSE(log.holds_more(stored));
  log.wal.frame(Pgno{2'000}, 5, 2'000);
  CHECK(log.holds_more(stored));
}

TEST_CASE("at most 64 MiB of a transaction are searched for its commit") {
  Log log{.directory = {}, .wal = {PageSize{65'536}, wal::WordOrder::Little}};
  log.wal.frame(Pgno{1}, 1, 1);
  const auto stored = log.position(1);
  for (std::uint32_t page = 2; page < 1'030; ++page) log.wal.frame(Pgno{page}, 5);
  log.wal.frame(Pgno{1'030}, 5, 1'030);
  CHECK_FALSE(log.holds_more(stored));
  CHECK(log.holds_more(std::nullopt));
}

TEST_CASE("an absent or empty WAL, or one without a whole header, has no commits") {
  const testing::TempDir directory;
  const auto path = directory / "app.db-wal";
  CHECK_FALSE(holds_commit_beyond(std::nullopt, path).value());
  for (const std::size_t size : {0U, 31U, 32U, 4'096U}) {
    testing::write_text(path, std::string(size, char{}));
    CHECK_FALSE(holds_commit_beyond(std::nullopt, path).value());
  }
}

}  // namespace
}  // namespace walwrap::replication
