#include "walwrap/replication/startup/boot_checks.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/support/crashed_disk.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

namespace fs = std::filesystem;
using testing::AppDb;
using testing::copy_disk;
using testing::count_set_aside;
using testing::put_disk_back;
using testing::rows_after_a_start;
using testing::Run;
using testing::World;

TEST_CASE("a start waits up to a time limit for a state directory that another process holds") {
  const testing::TempDir dir;
  testing::ManualClock clock;
  int pauses = 0;
  std::optional<os::DirectoryLock> other = os::DirectoryLock::try_take(dir.path()).value();
  const auto lock = [&](int free_after) {
    pauses = 0;
    return lock_state_directory(dir.path(),
                                {.database = dir / "app.db",
                                 .give_up = clock.mono() + std::chrono::seconds(3),
                                 .pause = [&, free_after](auto /*length*/) -> Result<void> {
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

struct AskedOwner {
  testing::TempDir dir;
  testing::ManualClock clock;
  std::optional<os::DirectoryLock> owner = os::DirectoryLock::try_take(dir.path()).value();
  int asked = 0;
  std::vector<Result<OwnerAnswer>> answers;             // the last one stays
  std::optional<std::chrono::milliseconds> free_after;  // of its answer that it hands over
  std::optional<MonoTime> hands_over_since;

  Result<std::optional<os::DirectoryLock>> lock() {
    return lock_state_directory(
        dir.path(),
        {.database = dir / "app.db",
         .give_up = clock.mono() + std::chrono::minutes(5),
         .pause = [this](std::chrono::milliseconds length) -> Result<void> {
           clock.advance(length);
           if (hands_over_since && free_after && clock.mono() >= *hands_over_since + *free_after) {
             owner.reset();
           }
           return {};
         },
         .ask_owner = [this]() -> Result<OwnerAnswer> {
           const auto index = std::min(static_cast<std::size_t>(asked++), answers.size() - 1);
           if (answers[index] && *answers[index] == OwnerAnswer::HandsOver) {
             hands_over_since = clock.mono();
           }
           return answers[index];
         },
         .handover_timeout = std::chrono::seconds(35)},
        clock, testing::kNoLog);
  }
};

TEST_CASE("an owner that hands over is asked once, and its lock is taken at once") {
  AskedOwner start;
  start.answers = {OwnerAnswer::HandsOver};
  start.free_after = std::chrono::seconds(3);
  CHECK(start.lock().value().has_value());
  CHECK(start.asked == 1);
  CHECK(start.clock.mono() - *start.hands_over_since < std::chrono::milliseconds(3'010));
}

TEST_CASE("an owner that does not listen yet is asked again") {
  AskedOwner start;
  start.answers = {OwnerAnswer::NotThere, OwnerAnswer::NotThere, OwnerAnswer::HandsOver};
  start.free_after = std::chrono::seconds(30);
  const auto began = start.clock.mono();
  CHECK(start.lock().value().has_value());
  CHECK(start.asked == 3);
  CHECK(start.clock.mono() - began < std::chrono::seconds(33));
}

TEST_CASE("an owner's refusal ends the start at once") {
  AskedOwner start;
  start.answers = {fail(Code::Mismatch, "it has an owner")};
  const auto began = start.clock.mono();
  CHECK(start.lock().error().text == "it has an owner");
  CHECK(start.clock.mono() == began);
}

TEST_CASE("a start does not wait longer than the hand-over's time-out") {
  for (const auto answer : {OwnerAnswer::NotThere, OwnerAnswer::HandsOver}) {
    AskedOwner start;
    start.answers = {answer};
    const auto began = start.clock.mono();
    const auto refused = start.lock();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Code::Mismatch);
    CHECK(refused.error().text.find("--handover-timeout") != std::string::npos);
    CHECK(start.clock.mono() - began < std::chrono::seconds(36));
  }
}

TEST_CASE("a changed file or replica causes a new decision") {
  const testing::TempDir dir;
  const auto database = dir / "app.db";
  testing::FakeBucket bucket;
  ReplicaInspection replica;
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

TEST_CASE("a page size other than the replica's, or than the state's without it, is refused") {
  const testing::TempDir dir;
  const auto database = dir / "app.db";
  testing::AppDb(database).run("PRAGMA page_size=8192; CREATE TABLE t(a)");
  ReplicaInspection replica;
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
  CHECK(refused->reason.find("8192") != std::string::npos);
  CHECK(refused->hint.find("page_size=512") != std::string::npos);
  std::filesystem::remove(database);
  CHECK_FALSE(is_refused());
}

// After a crash the WAL lies beside the database file, and the file is changed before the next
// start: SQLite would lay the WAL over whatever is there.

// The disk "crashed" has rows 1 to 3 stored, row 4 only in its WAL. `first` has row 1 alone.
void crash_with_a_wal(const World& world) {
  world.live("CREATE TABLE t(a); CREATE TABLE u(b); INSERT INTO t VALUES(1)");
  fs::copy_file(world.database, world.directory / "first.db");
  world.live("INSERT INTO u VALUES(randomblob(30000)); UPDATE t SET a = a");
  {
    Run run(world);
    run.store(2);
    run.store(3);
    run.replicator.reset();  // as if killed
    run.app->run("INSERT INTO t VALUES(4)");
    copy_disk(world, "crashed");
  }
  put_disk_back(world, "crashed");
  fs::remove(world.host / "app.db-shm");
  REQUIRE(fs::file_size(world.host / "app.db-wal") > 0);
}

void replace_with(const World& world, const fs::path& other) {
  fs::remove(world.database);
  fs::copy_file(other, world.database);
}

TEST_CASE("an older file under the WAL is behind, whatever the WAL proves") {
  const World world;
  crash_with_a_wal(world);
  replace_with(world, world.directory / "first.db");
  CHECK(rows_after_a_start(world) == "1,2,3");
}

TEST_CASE("a foreign file under the WAL is refused and not touched") {
  const World world;
  crash_with_a_wal(world);
  AppDb(world.directory / "foreign.db")
      .run("CREATE TABLE f(x); INSERT INTO f VALUES(randomblob(90000))");
  replace_with(world, world.directory / "foreign.db");
  const auto size = fs::file_size(world.host / "app.db-wal");
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Mismatch);
  CHECK(refused.error().text.find("not the one that its WAL belongs to") != std::string::npos);
  CHECK(fs::file_size(world.host / "app.db-wal") == size);
  CHECK(count_set_aside(world) == 0);
}

TEST_CASE("a start refuses a truncated file under the WAL") {
  const World world;
  crash_with_a_wal(world);
  fs::resize_file(world.database, fs::file_size(world.database) / 2);
  auto options = world.options();
  CHECK_FALSE(world.prepare(options).has_value());
  options.policy.on_diverged = OnDiverged::UseReplica;
  CHECK(world.prepare(options).has_value());
  CHECK(rows_after_a_start(world) == "1,2,3");
}

TEST_CASE("the right file under the WAL continues, even as an unrecorded copy") {
  const World world;
  crash_with_a_wal(world);
  fs::copy_file(world.database, world.directory / "copy.db");
  replace_with(world, world.directory / "copy.db");
  CHECK(rows_after_a_start(world) == "1,2,3,4");
}

TEST_CASE("a foreign file under the WAL is refused also without the replica") {
  const World world;
  crash_with_a_wal(world);
  fs::rename(world.replica, world.directory / "away");
  { std::ofstream(world.replica) << "no directory"; }
  CHECK(world.prepare(world.options()).has_value());  // the right file
  put_disk_back(world, "crashed");
  fs::remove(world.host / "app.db-shm");
  AppDb(world.directory / "foreign.db").run("CREATE TABLE f(x); INSERT INTO f VALUES(1)");
  replace_with(world, world.directory / "foreign.db");
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Mismatch);
}

TEST_CASE("a WAL without a proven connection to its file is refused if they do not match") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {  // a WAL of some other database
    AppDb other(world.directory / "other.db");
    other.run(
        "CREATE TABLE f(x); INSERT INTO f VALUES(randomblob(200000)); PRAGMA journal_mode=WAL; "
        "PRAGMA wal_autocheckpoint=0; CREATE TABLE g(x); INSERT INTO g VALUES(1)");
    fs::copy_file(world.directory / "other.db-wal", world.host / "app.db-wal",
                  fs::copy_options::overwrite_existing);
  }
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("is damaged") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::replication
