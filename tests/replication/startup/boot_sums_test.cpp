#include "walwrap/replication/startup/boot_sums.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::World;

// A database that was stored twice, and everything that is known of it.
struct Twice {
  World world;
  StateDir directory = StateDir::open(world.database).value();
  std::optional<SavedState> state;
  ReplicaInspection replica;

  Twice() {
    for (const char* sql : {"CREATE TABLE t(a); INSERT INTO t VALUES(1)", "UPDATE t SET a = 2"}) {
      AppDb(world.database).run(sql);
      REQUIRE(world.live("").outcome == FlushOutcome::Ok);
      if (replica.store) continue;
      std::filesystem::copy_file(world.database, world.directory / "older.db");
      look();
    }
    look();
    state = directory.load().value();
  }
  void look() {
    const StoreFactory open = [this](const Stopped&) {
      return Result<std::unique_ptr<storage::ObjectStore>>(world.store());
    };
    replica = inspect_replica(
        open, [] { return false; }, KeyStyle::Directory);
  }
  PageSums sums() const { return open_sums_of(state, directory, replica, testing::kNoLog).value(); }
  PageSums scratch(const char* name) const {
    return PageSums(os::MappedFile::open(world.directory / name, 0).value());
  }
  PagesAre related(const PageSums& known) const {
    auto of_replica = scratch("scratch");
    return relate_pages(world.database, {*state, known, replica, KeyStyle::Directory, {}},
                        of_replica, testing::kSystemClock)
        .value()
        ->are;
  }
};

TEST_CASE("page sums belong to the state or are empty") {
  Twice twice;
  CHECK(twice.sums().pages() == twice.state->pages);
  twice.replica.extent.newest = Txid{1};  // what TXID 2 stored is news to nobody but us
  CHECK(twice.sums().get(Pgno{2}) == 0);
  twice.state->txid = Txid{3};
  CHECK(twice.sums().pages() == 0);
}

TEST_CASE("pages compare with the stored ones equally with sums and without") {
  const Twice twice;
  const auto known = twice.sums();
  const auto none = twice.scratch("none");
  CHECK(twice.related(known) == PagesAre::Equal);
  CHECK(twice.related(none) == PagesAre::Equal);
  AppDb(twice.world.database).run("UPDATE t SET a = 7");
  CHECK(twice.related(known) == PagesAre::New);
  CHECK(twice.related(none) == PagesAre::New);
  std::filesystem::copy_file(twice.world.directory / "older.db", twice.world.database,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(twice.related(known) == PagesAre::Older);
  CHECK(twice.related(none) == PagesAre::Older);
  auto of_replica = twice.scratch("whole");
  const auto compared = compare_with_replica(
      twice.world.database, twice.replica, KeyStyle::Directory, of_replica, testing::kSystemClock);
  REQUIRE(compared.has_value());
  CHECK(compared->applied.pages == twice.state->pages);
  CHECK(compared->differences.pages.size() == 1);
}

}  // namespace
}  // namespace walwrap::replication
