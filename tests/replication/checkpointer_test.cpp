#include "walwrap/replication/checkpointer.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/in_child.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/world.hpp"
#include "walwrap/os/file_locks.hpp"

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

TEST_CASE("a process of the app that reads on and on is named, and so is its end") {
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
  CHECK(scene.count("level=warn msg=\"a reader keeps the log from being reused\" db=app.db pid=" +
                    std::to_string(reader.pid()) + " reader_s=10 ") == 1);
  CHECK(scene.count("a reader keeps the log") == 2);
  reader.end();
  one_second();
  CHECK(scene.count("level=info msg=\"the log can be reused again\" db=app.db") == 1);
  CHECK(one_second() < longest);  // it began anew
  CHECK(scene.lines.size() == 3);
}

TEST_CASE("writers are not held for a log that a reader has pinned anyway") {
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
    REQUIRE(
        checkpointer.run(*owner, *index, {.last_commit = scene.clock.mono()}, capture).has_value());
  };
  for (int i = 0; i < 40; ++i) write();
  // Before it is known that the passes get nowhere.
  const int held = scene.count("writers held");
  CHECK(held <= 2);
  reader.end();
  for (int i = 0; i < 40; ++i) write();
  CHECK(scene.count("writers held") > held);
}

TEST_CASE("a writer that leaves no gap is not held, and is at the next try") {
  Scene scene;
  AppDb app(scene.database);
  const auto owner = *sqlite::CheckpointOwner::attach(scene.database, testing::kSystemClock);
  CheckpointLimits limits;
  limits.hard_limit = 64U << 10;
  Checkpointer checkpointer("app.db", limits, scene.clock, scene.debug);
  const auto run = [&] {
    scene.clock.advance(std::chrono::milliseconds(50));
    const auto capture = []() -> Result<void> { return {}; };
    return checkpointer
        .run(*owner, *owner->read_index(), {.last_commit = scene.clock.mono()}, capture)
        .has_value();
  };
  app.run("INSERT INTO t VALUES(randomblob(200000)); BEGIN IMMEDIATE");
  CHECK(run());
  CHECK(scene.count("no gap between writers for a checkpoint\" db=app.db") == 1);
  CHECK(scene.count("writers held") == 0);
  app.run("INSERT INTO t VALUES(1); COMMIT");
  CHECK(run());
  CHECK(scene.count("writers held") == 1);
  CHECK(checkpointer.counts().held.count() == 1);
}

}  // namespace
}  // namespace walwrap::replication
