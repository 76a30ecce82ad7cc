#include "walwrap/replication/boot_checks.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "tests/support/fake_store.hpp"
#include "tests/support/files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("a state directory that somebody holds is waited for, up to a time") {
  const testing::TempDir dir;
  testing::ManualClock clock;
  int pauses = 0;
  std::optional<os::DirectoryLock> other = os::DirectoryLock::try_take(dir.path()).value();
  const auto lock = [&](int free_after) {
    pauses = 0;
    return lock_state_directory(dir.path(),
                                {.database = dir / "app.db",
                                 .give_up = clock.mono() + std::chrono::seconds(3),
                                 .pause = [&, free_after]() -> Result<void> {
                                   if (++pauses == free_after) other.reset();
                                   clock.advance(std::chrono::seconds(1));
                                   return {};
                                 }},
                                clock, testing::kNoLog);
  };
  const auto refused = lock(9);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Busy);
  CHECK(refused.error().text.find("another walwrap") != std::string::npos);
  CHECK(pauses == 3);
  CHECK(lock(2).value().has_value());
}

TEST_CASE("a file or a replica that changed is decided on again") {
  const testing::TempDir dir;
  const auto database = dir / "app.db";
  testing::FakeBucket bucket;
  ReplicaLook replica;
  replica.store = std::make_unique<testing::FakeStore>(bucket);
  replica.extent.newest = Txid{1};
  const auto check = [&](const FoundFile& found) {
    return check_nothing_changed(database, found, replica, KeyStyle::S3);
  };
  CHECK(check(std::nullopt).has_value());
  testing::write_text(database, "one");
  CHECK(check(std::nullopt).error().code == Code::Busy);
  const auto found = find_file(database);
  CHECK(check(found).has_value());
  testing::write_text(database, "longer");
  CHECK(check(found).error().code == Code::Busy);
  const auto again = find_file(database);
  bucket.set("0000/0000000000000002-0000000000000002.ltx", ByteVector(1));
  CHECK(check(again).error().code == Code::Busy);
  CHECK(check(again).error().text.find("another instance") != std::string::npos);
}

TEST_CASE("the page size is that of the replica, of the state where the replica is away, or any") {
  const testing::TempDir dir;
  const auto database = dir / "app.db";
  testing::AppDb(database).run("PRAGMA page_size=8192; CREATE TABLE t(a)");
  ReplicaLook replica;
  SavedState state;
  const auto is_refused = [&] { return other_page_size(database, replica, state).has_value(); };
  CHECK_FALSE(is_refused());
  state.page_size = PageSize{4096};
  CHECK(is_refused());
  replica.finding = ReplicaFinding::Empty;
  CHECK_FALSE(is_refused());
  replica.finding = ReplicaFinding::Present;
  replica.newest.page_size = PageSize{8192};
  CHECK_FALSE(is_refused());
  replica.newest.page_size = PageSize{512};
  const auto refused = other_page_size(database, replica, state);
  REQUIRE(refused.has_value());
  CHECK(refused->action == StartAction::Refuse);
  CHECK(refused->why.find("8192") != std::string::npos);
  CHECK(refused->type.find("page_size=512") != std::string::npos);
  std::filesystem::remove(database);
  CHECK_FALSE(is_refused());
}

}  // namespace
}  // namespace walwrap::replication
