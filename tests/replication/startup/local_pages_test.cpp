#include "walwrap/replication/startup/local_pages.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/world.hpp"
#include "walwrap/replication/startup/inspection.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::World;

constexpr Txid kBase{1};

// Three stored states; the sums are those of the first.
struct Stored {
  World world;
  StateDir directory = StateDir::open(world.directory / "sums").value();
  PageSums sums = directory.open_sums().value();
  std::unique_ptr<storage::FileStore> store;
  std::vector<StoredFile> files;
  std::uint32_t pages = 0;

  Stored() {
    live("CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO t VALUES(1); INSERT INTO u VALUES(1)",
         "1");
    live("UPDATE t SET a = 2", "2");
    live("UPDATE t SET a = 3; UPDATE u SET a = 3", "3");
    store = world.store();
    for (std::uint64_t txid = 1; txid <= 3; ++txid) {
      files.push_back({.level = kUploadLevel, .txids = {Txid{txid}, Txid{txid}}});
    }
    pages = apply_to_sums(*store, KeyStyle::Directory, std::span(files).first(1), sums)->pages;
  }
  void live(const char* sql, const char* copy) const {
    AppDb(world.database).run(sql);
    REQUIRE(world.live("").outcome == FlushOutcome::Ok);  // one upload of all of it
    std::filesystem::copy_file(world.database, world.directory / copy);
  }
  void put(const char* copy) const {
    std::filesystem::copy_file(world.directory / copy, world.database,
                               std::filesystem::copy_options::overwrite_existing);
  }
  Differences compare() const {
    return compare_pages(world.database, {.sums = sums, .pages = pages, .newest = kBase},
                         testing::kSystemClock)
        .value();
  }
  ReplicaFiles uploads() const {
    return {.store = *store, .style = KeyStyle::Directory, .files = files};
  }
  // As of the newest state.
  Differences followed() const {
    auto differences = compare();
    const auto since = std::span(files).subspan(1);
    REQUIRE(
        follow(differences, sums, {.store = *store, .style = KeyStyle::Directory, .files = since}));
    return differences;
  }
  PagesAre related(LookFurther further) const {
    return relate(followed(), uploads(), further).value();
  }
};

TEST_CASE("pages are equal, as stored earlier, new, or a mixture") {
  const Stored stored;
  struct Row {
    const char* what;
    const char* copy;
    const char* sql;
    PagesAre all, one;
    bool holds_newest;
  };
  const Row rows[] = {
      {"the newest state", "3", "", PagesAre::Equal, PagesAre::Equal, true},
      {"the one before it", "2", "", PagesAre::Older, PagesAre::Mixed, false},
      {"the first", "1", "", PagesAre::Older, PagesAre::Older, false},
      {"an edit of the newest", "3", "UPDATE t SET a = 7", PagesAre::New, PagesAre::New, true},
      {"an edit of an older one", "2", "UPDATE t SET a = 7", PagesAre::Mixed, PagesAre::Mixed,
       false},
      {"an edit of all that changed", "3", "UPDATE t SET a = 7; UPDATE u SET a = 7", PagesAre::New,
       PagesAre::New, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    stored.put(row.copy);
    if (*row.sql != 0) AppDb(stored.world.database).run(row.sql);
    CHECK(stored.related(LookFurther::UntilAll) == row.all);
    CHECK(stored.related(LookFurther::UntilOne) == row.one);
    CHECK(stored.followed().holds_newest == row.holds_newest);
  }
}

TEST_CASE("a database with fewer pages than stored holds less, one with more pages is new") {
  const Stored stored;
  stored.put("3");
  AppDb(stored.world.database).run("INSERT INTO t VALUES(randomblob(50000))");
  CHECK(stored.related(LookFurther::UntilAll) == PagesAre::New);
  auto differences = stored.followed();
  differences.stored_pages = differences.local_pages + 1;
  differences.is_complete_file = false;
  CHECK(relate(differences, stored.uploads(), LookFurther::UntilAll).value() == PagesAre::Mixed);
  differences.pages.clear();
  CHECK(relate(differences, stored.uploads(), LookFurther::UntilAll).value() == PagesAre::Older);
}

TEST_CASE("a database that VACUUM made smaller is new, and one that was cut is not") {
  Stored stored;
  stored.live("INSERT INTO t VALUES(randomblob(50000))", "4");
  stored.files.push_back({.level = kUploadLevel, .txids = {Txid{4}, Txid{4}}});
  const auto is_both = [&](PagesAre all, PagesAre one) {
    return stored.related(LookFurther::UntilAll) == all &&
           stored.related(LookFurther::UntilOne) == one;
  };
  stored.put("4");
  AppDb(stored.world.database)
      .run("DELETE FROM t WHERE length(a) > 9; UPDATE t SET a = 8; UPDATE u SET a = 8; VACUUM");
  CHECK(stored.followed().local_pages < stored.followed().stored_pages);
  CHECK(is_both(PagesAre::New, PagesAre::New));
  const auto size = std::filesystem::file_size(stored.world.database);
  std::filesystem::resize_file(stored.world.database, size - 1);
  CHECK(is_both(PagesAre::Mixed, PagesAre::Mixed));
  stored.put("3");
  CHECK(is_both(PagesAre::Older, PagesAre::Mixed));
}

TEST_CASE("page sums ahead of their state lead to the same answer") {
  Stored stored;
  stored.put("3");
  const auto& ahead = stored.files[1];
  REQUIRE(apply_to_sums(*stored.store, KeyStyle::Directory, std::span(&ahead, 1), stored.sums));
  CHECK(stored.followed().none());
  stored.put("1");
  CHECK(stored.related(LookFurther::UntilAll) == PagesAre::Older);
}

TEST_CASE("more differences than the list can hold never count as stored earlier") {
  const Stored stored;
  stored.put("1");
  auto differences = stored.followed();
  differences.too_many = true;
  CHECK(relate(differences, stored.uploads(), LookFurther::UntilAll).value() == PagesAre::Mixed);
  differences.pages.clear();
  CHECK_FALSE(differences.none());
}

TEST_CASE("a comparison of a database with its sums stops at the first different page") {
  const Stored stored;
  stored.put("1");
  const auto equals = [&](std::uint32_t pages) {
    return equals_sums(stored.world.database, stored.sums, pages, testing::kSystemClock).value();
  };
  CHECK(equals(stored.pages));
  CHECK_FALSE(equals(stored.pages + 1));
  stored.put("2");
  CHECK_FALSE(equals(stored.pages));
}

}  // namespace
}  // namespace walwrap::replication
