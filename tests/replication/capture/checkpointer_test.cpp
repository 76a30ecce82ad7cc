#include "walwrap/replication/capture/checkpointer.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/in_child.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/world.hpp"
#include "tests/support/writer_process.hpp"
#include "walwrap/os/file_locks.hpp"
#include "walwrap/replication/capture/capture.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;

// Another process of the app, in a read transaction until end(). To be made before this process
// opens the database: SQLite's own memory of a file must not cross a fork.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& database) {
    std::array<int, 2> begun{}, go{};
    REQUIRE(::pipe(begun.data()) == 0);
    REQUIRE(::pipe(go.data()) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      testing::reset_signals();
      ::close(go[1]);
      read(database, begun[1], go[0]);
    }
    ::close(begun[1]);
    ::close(go[0]);
    go_ = go[1];
    char byte = 0;
    const auto got = ::read(begun[0], &byte, 1);
    ::close(begun[0]);
    REQUIRE(got == 1);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { end(); }

  void end() {
    if (pid_ == 0) return;
    ::close(go_);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  int pid() const { return pid_; }

 private:
  [[noreturn]] static void read(const std::filesystem::path& database, int begun, int go) {
    try {
      AppDb app(database);
      app.run("BEGIN");
      app.number("SELECT count(*) FROM t");
      char byte = 1;
      if (::write(begun, &byte, 1) == 1) [[maybe_unused]]
        const auto end = ::read(go, &byte, 1);
    } catch (const std::exception&) {
      ::_exit(1);  // which the parent sees as no byte
    }
    ::_exit(0);
  }
  pid_t pid_ = 0;
  int go_ = -1;
};

struct Scene {
  testing::TempDir directory;
  std::filesystem::path database = directory / "app.db";
  testing::ManualClock clock;
  std::vector<std::string> lines;
  Log log{{.now = [] { return WallTime{}; },
           .sink = [this](std::string_view line) { lines.emplace_back(line); }}};
  Log debug{{.minimum = LogLevel::Debug,
             .now = [] { return WallTime{}; },
             .sink = [this](std::string_view line) { lines.emplace_back(line); }}};

  Scene() {
    AppDb(database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  }
  int count(std::string_view text) const {
    int found = 0;
    for (const auto& line : lines) found += line.find(text) != std::string::npos ? 1 : 0;
    return found;
  }
};

TEST_CASE("a process with a long read is named in the log, and so is its end") {
  if (!os::read_file_locks()) return;  // a sandbox without the list: then it has no name
  Scene scene;
  Reader reader(scene.database);
  AppDb app(scene.database);
  const auto owner = *sqlite::CheckpointOwner::attach(scene.database, testing::kSystemClock);
  CheckpointLimits limits;
  limits.hard_limit = 256U << 10;
  Checkpointer checkpointer("app.db", limits, scene.clock, scene.log);
  const auto one_second = [&] {
    app.run("INSERT INTO t VALUES(randomblob(20000))");
    scene.clock.advance(std::chrono::seconds(1));
    const auto index = owner->read_index();
    const auto capture = []() -> Result<void> { return {}; };
    REQUIRE(checkpointer.run(*owner, *index, {}, capture).has_value());
    return index->header.max_frame;
  };
  std::uint32_t longest = 0;
  for (int i = 0; i < 45; ++i) longest = one_second();
  CHECK(scene.count("level=warn msg=\"a reader prevents the WAL from restarting\" db=app.db pid=" +
                    std::to_string(reader.pid()) + " reader_s=10 ") == 1);
  CHECK(scene.count("a reader prevents the WAL") == 2);
  reader.end();
  one_second();
  CHECK(scene.count("level=info msg=\"the WAL can restart again\" db=app.db") == 1);
  CHECK(one_second() < longest);  // it began anew
  CHECK(scene.lines.size() == 3);
}

TEST_CASE("writers are not blocked while a reader holds the WAL") {
  Scene scene;
  Reader reader(scene.database);
  AppDb app(scene.database);
  const auto owner = *sqlite::CheckpointOwner::attach(scene.database, testing::kSystemClock);
  CheckpointLimits limits;
  limits.hard_limit = 64U << 10;
  limits.pass_pages = 20;
  Checkpointer checkpointer("app.db", limits, scene.clock, scene.debug);
  const auto write = [&] {
    app.run("INSERT INTO t VALUES(randomblob(20000))");
    scene.clock.advance(std::chrono::milliseconds(50));
    const auto capture = []() -> Result<void> { return {}; };
    const auto index = owner->read_index();
    // No proof of what is captured: then the lock is never lent.
    const Checkpointer::Situation situation{.last_commit = scene.clock.mono(), .can_prove = false};
    REQUIRE(checkpointer.run(*owner, *index, situation, capture).has_value());
    return index->header.max_frame;
  };
  std::uint32_t longest = 0;
  for (int i = 0; i < 25; ++i) longest = write();
  // Before it is known that the passes get nowhere.
  CHECK(scene.count("writers blocked") <= 2);
  reader.end();
  std::uint32_t last = 0;
  for (int i = 0; i < 25; ++i) last = write();
  CHECK(last < longest);
  CHECK(scene.count("writers blocked") <= 2);  // this writer leaves gaps
}

// An app at full speed, one commit after the other: each pass of ours ends after the next one.
struct FullSpeed : Scene {
  AppDb app{database};
  std::unique_ptr<sqlite::CheckpointOwner> owner =
      *sqlite::CheckpointOwner::attach(database, testing::kSystemClock);
  std::unique_ptr<Checkpointer> checkpointer;
  Checkpointer::Situation situation;

  explicit FullSpeed(CheckpointLimits limits = {}) {
    limits.hard_limit = 64U << 10;
    limits.gap_tries = 1;
    checkpointer = std::make_unique<Checkpointer>("app.db", limits, clock, debug);
    app.run("INSERT INTO t VALUES(randomblob(200000))");
    CHECK(run([&] { app.run("INSERT INTO t VALUES(1)"); }));
  }
  // `meanwhile`: at every third capture.
  bool run(const std::function<void()>& meanwhile) {
    clock.advance(std::chrono::milliseconds(50));
    situation.last_commit = clock.mono();
    int captures = 2;
    do {
      const auto done =
          checkpointer->run(*owner, *owner->read_index(), situation, [&]() -> Result<void> {
            if (++captures % 3 == 0) meanwhile();
            return {};
          });
      if (!done) return false;
    } while (checkpointer->is_lending());
    return true;
  }
};

TEST_CASE("a writer without pauses is not blocked at the first try, and is at the next") {
  FullSpeed scene;
  scene.situation.can_prove = false;  // then the lock is never lent
  scene.app.run("INSERT INTO t VALUES(1); BEGIN IMMEDIATE");
  CHECK(scene.run([] {}));
  CHECK(scene.count("checkpoint did not find a pause between writers\" db=app.db") == 1);
  CHECK(scene.count("writers blocked") == 0);
  scene.app.run("INSERT INTO t VALUES(1); COMMIT");
  CHECK(scene.run([] {}));
  CHECK(scene.count("writers blocked") == 1);
  CHECK(scene.checkpointer->counts().held.count() == 1);
}

TEST_CASE("a writer without pauses borrows the checkpoint lock, and no writer is blocked") {
  FullSpeed scene;
  scene.app.run("PRAGMA wal_autocheckpoint=20; INSERT INTO t VALUES(randomblob(200000))");
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) scene.app.try_run("INSERT INTO t VALUES(1)");
  });
  // Again where the writer had to wait for a processor.
  for (int i = 0; i < 15 && scene.checkpointer->counts().restarts == 0; ++i) {
    CHECK(scene.run([] {}));
  }
  stop = true;
  writer.join();
  CHECK(scene.count("checkpoint lock lent to the app\" db=app.db outcome=restarts") == 1);
  CHECK(scene.count("writers blocked") == 0);
  CHECK(scene.checkpointer->counts().lent >= 1);
  CHECK(scene.checkpointer->counts().restarts == 1);
}

TEST_CASE(
    "no commit is missed while the lock is lent to processes that checkpoint each of theirs") {
  for (const bool is_killed : {false, true}) {
    CAPTURE(is_killed);
    Scene scene;
    constexpr const char* kSetup = "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=1";
    constexpr const char* kEach = "INSERT INTO t VALUES(1)";
    testing::WriterProcess first(scene.database, kSetup, kEach);
    testing::WriterProcess second(scene.database, kSetup, kEach);
    const auto owner = *sqlite::CheckpointOwner::attach(scene.database, testing::kSystemClock);
    const auto capture = *Capture::open(*owner, std::nullopt);
    const auto drain = [&]() -> Result<void> {
      // Late at each look, as where others have the processors.
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto index = owner->read_index();
      if (!index) return fail(Code::Busy, "it is being written");
      TRY(capture->drain(*index));
      return {};
    };
    first.go();
    second.go();
    for (int i = 0; i < 10; ++i) {
      auto lending = sqlite::Lending::begin(*owner);
      while (lending) {
        if (i == 4 && is_killed) first.kill();
        const auto outcome = lending->go_on(drain);
        if (outcome && *outcome != sqlite::Lending::Outcome::Lent) break;
      }
      ignore(drain(), "the next one reads it");
    }
    first.pause();
    second.pause();
    CHECK(drain().has_value());
    CHECK(first.written() + second.written() > 100);
    CHECK(capture->missed_commits() == 0);
    CHECK(owner->holds_lock());
  }
}

TEST_CASE("after a missed commit the lock is not lent again, and the log says so once") {
  FullSpeed scene;
  scene.situation.missed_commits = 3;
  scene.app.run("INSERT INTO t VALUES(randomblob(200000))");
  CHECK(scene.run([] {}));
  CHECK(scene.count("level=warn msg=\"commits were not captured; comparing every page\" "
                    "db=app.db commits=3") == 1);
  CHECK(scene.count("checkpoint lock lent") == 0);
  CHECK(scene.count("writers blocked") == 1);
  scene.app.run("INSERT INTO t VALUES(randomblob(200000))");
  CHECK(scene.run([] {}));
  CHECK(scene.count("level=warn") == 1);
  CHECK(scene.checkpointer->counts().missed_commits == 3);
}

TEST_CASE("walwrap's own read is recalled when the WAL is too long") {
  FullSpeed scene;
  scene.app.run("INSERT INTO t VALUES(randomblob(200000))");
  scene.situation.snapshot_open = true;
  CHECK(scene.run([] {}));
  CHECK(scene.checkpointer->wants_snapshot_back());
  CHECK_FALSE(
      scene.checkpointer->goes_first(*scene.owner, *scene.owner->read_index(), scene.situation));
  scene.situation.snapshot_open = false;
  CHECK(scene.checkpointer->goes_first(*scene.owner, *scene.owner->read_index(), scene.situation));
}

}  // namespace
}  // namespace walwrap::replication
