#include "walwrap/sqlite/checkpoint_owner.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "tests/support/app_db.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/owner.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/sqlite/journal_mode.hpp"
#include "walwrap/sqlite/snapshot.hpp"

namespace walwrap::sqlite {
namespace {

using testing::AppDb;
using testing::in_child;
using testing::TempDir;

using testing::kClock;
using testing::kNothingToCapture;

std::unique_ptr<CheckpointOwner> attach(const std::filesystem::path& path) {
  auto owner = CheckpointOwner::attach(path, kClock);
  REQUIRE_MESSAGE(owner.has_value(), owner.error().text);
  return *std::move(owner);
}

// A rollback journal of the first page, as of a database of `bytes`. Source: fileformat2.html, "The
// Rollback Journal".
void write_journal(const std::filesystem::path& path, const ByteVector& bytes) {
  constexpr std::uint32_t kSector = 512, kPage = 4096, kNonce = 1;
  const auto word = [](std::uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
  };
  std::uint32_t sum = kNonce;
  for (int i = static_cast<int>(kPage) - 200; i > 0; i -= 200) {
    sum += std::to_integer<std::uint8_t>(bytes[static_cast<std::size_t>(i)]);
  }
  std::string text("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  text += word(1) + word(kNonce) + word(static_cast<std::uint32_t>(bytes.size() / kPage)) +
          word(kSector) + word(kPage);
  text.resize(kSector, '\0');
  text += word(1) + std::string(as_text(ByteSpan(bytes).first(kPage))) + word(sum);
  std::ofstream(path, std::ios::binary) << text;
}

constexpr std::chrono::milliseconds kLong{30'000};

void write_rows(AppDb& app, int count) {
  for (int i = 0; i < count; ++i) app.run("INSERT INTO t VALUES(randomblob(2000))");
}

TEST_CASE("attaching changes a rollback-journal database to WAL mode and nothing else") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA page_size=1024; CREATE TABLE t(a); INSERT INTO t VALUES(7)");
  const auto schema = app.text("SELECT sql FROM sqlite_master");
  const auto owner = attach(directory / "app.db");
  CHECK(owner->page_size() == PageSize{1024});
  CHECK(app.number("SELECT a FROM t") == 7);  // an open connection learns it with its next read
  CHECK(app.text("PRAGMA journal_mode") == "wal");
  CHECK(app.text("SELECT sql FROM sqlite_master") == schema);
  CHECK(app.number("PRAGMA user_version") == 0);
}

TEST_CASE("an absent or empty database is left alone and attached later") {
  const TempDir directory;
  const auto path = directory / "app.db";
  CHECK(CheckpointOwner::attach(path, kClock).error().code == Code::NotFound);
  CHECK_FALSE(os::exists(path));
  std::ofstream(path).flush();
  CHECK(CheckpointOwner::attach(path, kClock).error().code == Code::NotFound);
  CHECK(os::status_of(path)->size == 0);
}

TEST_CASE("a file that is not a database is reported and not changed") {
  const TempDir directory;
  const auto path = directory / "app.db";
  std::ofstream(path) << std::string(8192, 'x');
  CHECK(CheckpointOwner::attach(path, kClock).error().code == Code::Corrupt);
  CHECK(os::status_of(path)->size == 8192);
}

TEST_CASE("a rollback-journal database with a writer is busy, and its mode is not changed") {
  const TempDir directory;
  const auto answer = in_child([&]() -> std::string {
    AppDb app(directory / "app.db");
    app.run("CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    const auto tried = in_child([&]() -> std::string {
      const auto owner = CheckpointOwner::attach(directory / "app.db", kClock);
      return owner ? "attached" : std::string(code_name(owner.error().code));
    });
    app.run("PRAGMA busy_timeout=0; COMMIT");
    return tried;
  });
  CHECK(answer == code_name(Code::Busy));
  attach(directory / "app.db");
}

TEST_CASE("the journal of a killed app is rolled back where no app is running") {
  const TempDir directory;
  const auto path = directory / "app.db";
  in_child([&]() -> std::string {
    AppDb app(path);
    app.run(
        "CREATE TABLE t(a); INSERT INTO t VALUES(7); PRAGMA cache_size=1;"
        "BEGIN; UPDATE t SET a=8; INSERT INTO t VALUES(zeroblob(200000))");
    ::_exit(0);
  });
  CHECK(CheckpointOwner::attach(path, kClock, CheckpointOwner::Others::App).error().code ==
        Code::Busy);
  CHECK(os::exists(directory / "app.db-journal"));
  const auto owner = attach(path);
  CHECK_FALSE(os::exists(directory / "app.db-journal"));
  CHECK(AppDb(path).text("SELECT a FROM t") == "7");
}

TEST_CASE("a change to WAL mode that a power loss interrupted is undone and repeated") {
  const TempDir directory;
  const auto path = directory / "app.db";
  AppDb(path).run("PRAGMA journal_mode=PERSIST; CREATE TABLE t(a); INSERT INTO t VALUES(7)");
  AppDb(path).run("PRAGMA journal_mode=DELETE");
  const auto before = os::read_file(path, 1 << 20).value();
  // The journal that SQLite had before it wrote the header: of one page, the first.
  AppDb(path).run("PRAGMA journal_mode=WAL");
  CHECK(inspect_mode(path)->mode == JournalMode::Wal);
  write_journal(directory / "app.db-journal", before);
  CHECK(inspect_mode(path)->has_journal);
  CHECK(CheckpointOwner::attach(path, kClock, CheckpointOwner::Others::App).error().code ==
        Code::Busy);
  const auto owner = attach(path);
  CHECK_FALSE(os::exists(directory / "app.db-journal"));
  CHECK(AppDb(path).text("PRAGMA journal_mode") == "wal");
  CHECK(AppDb(path).text("SELECT a FROM t") == "7");
}

TEST_CASE("an app's checkpoint moves no frame while walwrap is attached") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=1; CREATE TABLE t(a)");
  const auto owner = attach(directory / "app.db");
  write_rows(app, 50);
  for (const char* mode : {"PASSIVE", "FULL", "RESTART", "TRUNCATE"}) {
    CAPTURE(mode);
    CHECK(app.text(std::string("PRAGMA wal_checkpoint(") + mode + ")") == "1");
  }
  const auto index = owner->read_index();
  REQUIRE(index.has_value());
  CHECK(index->header.max_frame >= 90);
  CHECK(index->checkpoint.backfilled == 0);
}

TEST_CASE("walwrap's checkpoint passes the lock, captures first, and lets the WAL restart") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(directory / "app.db");
  write_rows(app, 20);
  const auto before = owner->read_index();
  std::uint32_t backfilled_at_capture = 99;
  REQUIRE(owner
              ->pass([&]() -> Result<void> {
                backfilled_at_capture = owner->read_index()->checkpoint.backfilled;
                return {};
              })
              .has_value());
  CHECK(backfilled_at_capture == 0);
  CHECK(owner->read_index()->not_backfilled() == 0);
  write_rows(app, 1);
  const auto after = owner->read_index();
  CHECK(after->header.salts != before->header.salts);
  CHECK(after->header.max_frame < before->header.max_frame);
}

TEST_CASE("a checkpoint whose capture fails moves nothing") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(directory / "app.db");
  write_rows(app, 5);
  const auto failing = []() -> Result<void> { return fail(Code::Unavailable, "no"); };
  CHECK_FALSE(owner->pass(failing).has_value());
  CHECK(owner->read_index()->checkpoint.backfilled == 0);
}

// A read that began when there was one row; eleven are committed.
struct ReadGoesOn {
  TempDir directory;
  AppDb app{directory / "app.db"};
  std::unique_ptr<CheckpointOwner> owner;
  AppDb reader{directory / "app.db"};

  ReadGoesOn() {
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    owner = attach(directory / "app.db");
    reader.run("BEGIN");
    CHECK(rows_read() == 1);
    write_rows(app, 10);
  }
  std::int64_t rows_read() { return reader.number("SELECT count(*) FROM t"); }
  std::uint32_t not_backfilled() const { return owner->read_index()->not_backfilled(); }
};

TEST_CASE("a reader keeps the frames it needs, and the checkpoint is not an error") {
  ReadGoesOn rig;
  REQUIRE(rig.owner->pass(kNothingToCapture).has_value());
  CHECK(rig.not_backfilled() > 0);
  CHECK(rig.rows_read() == 1);
  rig.reader.run("COMMIT");
  REQUIRE(rig.owner->pass(kNothingToCapture).has_value());
  CHECK(rig.not_backfilled() == 0);
}

TEST_CASE("a blocking checkpoint leaves no frames and releases the write lock") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(directory / "app.db");
  write_rows(app, 300);
  const auto blocked = owner->checkpoint_blocking(kNothingToCapture);
  REQUIRE(blocked.has_value());
  CHECK(blocked->held);
  CHECK(owner->read_index()->not_backfilled() == 0);
  write_rows(app, 1);
  app.run("BEGIN IMMEDIATE");
  CHECK_FALSE(owner->checkpoint_blocking(kNothingToCapture)->held);
  app.run("COMMIT");
}

TEST_CASE("a blocking checkpoint waits for a read that is about to end, and the WAL restarts") {
  ReadGoesOn rig;
  const auto before = rig.owner->read_index();
  std::thread ends_when_writers_are_held([&] {
    AppDb writer(rig.directory / "app.db");
    writer.run("PRAGMA busy_timeout=0");
    while (writer.try_run("BEGIN IMMEDIATE; ROLLBACK") == SQLITE_OK) std::this_thread::yield();
    rig.reader.run("COMMIT");
  });
  const auto blocked =
      rig.owner->checkpoint_blocking(kNothingToCapture, {.for_gap = kLong, .for_readers = kLong});
  ends_when_writers_are_held.join();
  REQUIRE(blocked.has_value());
  CHECK(blocked->held);
  CHECK(rig.not_backfilled() == 0);
  write_rows(rig.app, 1);
  CHECK(rig.owner->read_index()->header.salts != before->header.salts);
}

TEST_CASE("a blocking checkpoint releases the writers when a read continues and keeps its frames") {
  ReadGoesOn rig;
  const auto blocked = rig.owner->checkpoint_blocking(kNothingToCapture);
  REQUIRE(blocked.has_value());
  CHECK(blocked->held);
  CHECK(rig.not_backfilled() > 0);
  CHECK(rig.rows_read() == 1);
  write_rows(rig.app, 1);
  rig.reader.run("COMMIT");
  CHECK(rig.rows_read() == 12);
}

TEST_CASE("the final checkpoint leaves one complete file, as an app's close does") {
  const TempDir directory;
  const auto path = directory / "app.db";
  {
    AppDb app(path);
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    auto owner = attach(path);
    write_rows(app, 10);
    app.run("BEGIN");
    CHECK(app.number("SELECT count(*) FROM t") == 10);
    CHECK(*owner->truncate() == false);  // somebody still reads
    app.run("COMMIT");
    CHECK(*owner->truncate());
    owner->remove_wal_on_close();
  }
  CHECK_FALSE(os::exists(directory / "app.db-wal"));
  CHECK_FALSE(os::exists(directory / "app.db-shm"));
  CHECK(AppDb(path).number("SELECT count(*) FROM t") == 10);
}

TEST_CASE("without a final checkpoint the WAL is kept for the next start") {
  const TempDir directory;
  const auto path = directory / "app.db";
  {
    auto app = std::make_unique<AppDb>(path);
    app->run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    const auto owner = attach(path);
    write_rows(*app, 10);
    app.reset();  // our connections keep the log alive
  }
  CHECK(os::status_of(directory / "app.db-wal")->size > 0);
  CHECK(AppDb(path).number("SELECT count(*) FROM t") == 10);
}

TEST_CASE("a settled database is one file, and another file may replace it") {
  const TempDir directory;
  const auto path = directory / "app.db";
  {
    AppDb backup(directory / "backup.db");
    // In rollback mode our connections would keep whoever opens it from writing.
    backup.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); CREATE TABLE u(a)");
    write_rows(backup, 50);
  }
  auto app = std::make_unique<AppDb>(path);
  app->run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(path);
  write_rows(*app, 10);
  app.reset();
  // Somebody has opened it while the WAL was copied.
  CHECK_FALSE(owner->settle(kNothingToCapture, [] { return false; }).value());
  REQUIRE(owner->settle(kNothingToCapture).value());
  CHECK(os::status_of(directory / "app.db-wal")->size == 0);
  CHECK(owner->read_index()->header.pages == 0);
  std::filesystem::copy(path, directory / "copy.db");
  CHECK(AppDb(directory / "copy.db").number("SELECT count(*) FROM t") == 10);
  // Without the size in the WAL index a reader takes that of the file, whatever it is by now.
  std::filesystem::copy(directory / "backup.db", path,
                        std::filesystem::copy_options::overwrite_existing);
  AppDb reopened(path);
  reopened.run("INSERT INTO t VALUES(1)");
  CHECK(reopened.number("SELECT count(*) FROM t") == 51);
  CHECK(reopened.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("the WAL of a database that was replaced is dropped without a checkpoint") {
  const TempDir directory;
  const auto path = directory / "app.db";
  {
    AppDb backup(directory / "backup.db");
    backup.run("CREATE TABLE t(a)");
    write_rows(backup, 5);
  }
  auto app = std::make_unique<AppDb>(path);
  app->run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(path);
  write_rows(*app, 100);
  app.reset();
  std::filesystem::copy(directory / "backup.db", path,
                        std::filesystem::copy_options::overwrite_existing);
  REQUIRE(owner->discard_wal().value());
  AppDb reopened(path);
  CHECK(reopened.number("SELECT count(*) FROM t") == 5);
  CHECK(reopened.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("settling a database with a reader fails and loses nothing") {
  const TempDir directory;
  const auto path = directory / "app.db";
  AppDb app(path);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(path);
  write_rows(app, 3);
  AppDb reader(path);
  reader.run("BEGIN; SELECT count(*) FROM t");
  write_rows(app, 3);
  CHECK_FALSE(owner->settle(kNothingToCapture).value());
  app.run("BEGIN IMMEDIATE");
  CHECK_FALSE(owner->settle(kNothingToCapture).value());
  app.run("COMMIT");
  reader.run("COMMIT");
  CHECK(owner->settle(kNothingToCapture).value());
  CHECK(owner->settle(kNothingToCapture).value());
  write_rows(app, 1);
  CHECK(app.number("SELECT count(*) FROM t") == 7);
}

TEST_CASE("a snapshot no longer reads an abandoned database") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("CREATE TABLE t(a)");
  const auto owner = attach(directory / "app.db");
  const auto snapshot = Snapshot::open(*owner).value();
  REQUIRE(snapshot->begin(*owner).has_value());
  ByteVector page(owner->page_size().value);
  CHECK(snapshot->read_page(Pgno{1}, page).has_value());
  owner->abandon();
  CHECK(snapshot->read_page(Pgno{1}, page).error().code == Code::Cancelled);
  snapshot->end();
}

TEST_CASE("the header of the database file is read as it is on disk") {
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA page_size=1024; CREATE TABLE t(a)");
  const auto owner = attach(directory / "app.db");
  const auto header = owner->read_file_header().value();
  CHECK(as_text(header).substr(0, 15) == "SQLite format 3");
  CHECK(header[18] == std::byte{2});
}

TEST_CASE("walwrap recovers a half-published index when no other process can") {
  const TempDir directory;
  const auto path = directory / "app.db";
  AppDb app(path);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(path);
  write_rows(app, 3);
  {
    // What a writer leaves that was killed between the two copies of the header.
    std::fstream shm(directory / "app.db-shm", std::ios::in | std::ios::out | std::ios::binary);
    shm.seekp(wal::kIndexCopyBytes + 16);
    shm.write("\xff\xff", 2);
  }
  CHECK_FALSE(owner->read_index().has_value());
  REQUIRE(owner->recover().has_value());
  REQUIRE(owner->read_index().has_value());
  CHECK(app.number("SELECT count(*) FROM t") == 3);
  write_rows(app, 1);
  CHECK(app.number("SELECT count(*) FROM t") == 4);
}

// Whether recover() leaves the index to a writer that publishes its header again and again.
bool is_busy_while_published(CheckpointOwner& owner, const std::function<void(char)>& publish) {
  std::atomic<bool> is_over{false};
  std::thread publishes([&] {
    while (!is_over) {
      publish('\x7e');
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      publish('\x7f');
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const auto recovered = owner.recover();
  is_over = true;
  publishes.join();
  return !recovered && recovered.error().code == Code::Busy;
}

TEST_CASE("walwrap never takes the write lock while a header is being published") {
  const TempDir directory;
  const auto path = directory / "app.db";
  AppDb app(path);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto owner = attach(path);
  const auto snapshot = Snapshot::open(*owner).value();
  write_rows(app, 3);
  // What a reader may meet while a commit is published, for good.
  std::fstream shm(directory / "app.db-shm", std::ios::in | std::ios::out | std::ios::binary);
  const auto publish = [&](char byte) {
    shm.seekp(wal::kIndexCopyBytes + 8);
    shm.put(byte).flush();
  };
  // The first copy of the header, which only a recovery changes here.
  const auto first_copy = [&] {
    std::array<char, 1> change{};
    shm.seekg(8);
    shm.read(change.data(), 1);
    return change[0];
  };
  const char whole = first_copy();
  publish('\x7f');
  CHECK(owner->pass(kNothingToCapture).error().code == Code::Busy);
  CHECK(snapshot->begin(*owner).error().code == Code::Busy);
  publish(whole);
  // A writer that gets no processor for 10 ms counts as killed, and the index is recovered: again.
  bool was_busy = false;
  for (int i = 0; i < 5 && !was_busy; ++i) {
    const char before = first_copy();
    publish('\x7f');
    was_busy = is_busy_while_published(*owner, publish);
    const char after = first_copy();
    publish(after);
    was_busy = was_busy && after == before;
  }
  CHECK(was_busy);
  CHECK(owner->pass(kNothingToCapture).has_value());
}

TEST_CASE("a replaced or deleted database file is detected") {
  const TempDir directory;
  const auto path = directory / "app.db";
  AppDb app(path);
  app.run("CREATE TABLE t(a)");
  const auto owner = attach(path);
  CHECK_FALSE(owner->has_moved());
  std::filesystem::rename(path, directory / "other.db");
  CHECK(owner->has_moved());
}

}  // namespace
}  // namespace walwrap::sqlite
