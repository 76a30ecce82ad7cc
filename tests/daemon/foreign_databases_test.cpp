#include "walwrap/daemon/foreign_databases.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/app_db.hpp"
#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/file_locks.hpp"
#include "walwrap/os/privileges.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::daemon;

TEST_CASE("the first search is soon, and later ones are less frequent") {
  const MonoTime start = MonoTime() + 1h;
  LookSchedule schedule(start);
  CHECK_FALSE(schedule.is_due(start + 9s));
  CHECK(schedule.is_due(start + 10s));
  int looks = 0;
  while (schedule.next() < start + 24h) {
    schedule.on_looked(schedule.next());
    ++looks;
  }
  CHECK(looks > 24);
  CHECK(looks < 32);
}

TEST_CASE("only files that can be databases are read") {
  CHECK(may_be_database("/data/store.db"));
  CHECK(may_be_database("/data/production"));
  for (const char* path : {"/data/a.db-wal", "/data/a.db-shm", "/data/a.db-journal"}) {
    CHECK_FALSE(may_be_database(path));
  }
  CHECK(is_database_start(std::string_view("SQLite format 3\0", 16)));
  CHECK_FALSE(is_database_start("SQLite format 3"));
  CHECK_FALSE(is_database_start(""));
}

namespace {

enum class Rights { All, Few };

// What is named, in two looks, of an app with two databases, one of them replicated, and a file
// that is none.
std::string named_of_an_app(Rights rights) {
  const testing::TempDir temporary;
  const auto dir = std::filesystem::canonical(temporary.path());
  return testing::in_child([&]() -> std::string {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "no pipe";
    const auto app = os::fork_worker([&] {
      testing::AppDb replicated(dir / "app.db"), other(dir / "store.db");
      replicated.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
      other.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
      testing::write_text(dir / "notes.txt", "SQLite format 4");
      const auto notes = os::File::open(dir / "notes.txt", os::File::Open::ReadOnly);
      return ::write(ends[1], "r", 1) == 1 ? ::pause() : 1;
    });
    char ready = 0;
    if (!app || ::read(ends[0], &ready, 1) != 1) return "no app";
    if (rights == Rights::Few && !os::keep_capabilities({os::Capability::Kill})) return "rights";
    ForeignDatabases foreign({dir / "app.db"}, MonoTime());
    std::string text;
    for (int look = 0; look < 2; ++look) {
      for (const auto& file : foreign.find({*app})) {
        text += file.path.filename().string() + (file.pid == *app ? " " : "? ");
      }
    }
    os::send_signal(*app, SIGKILL);
    return text;
  });
}

}  // namespace

TEST_CASE("a database that the app has open and walwrap does not replicate is named once") {
  CHECK(named_of_an_app(Rights::All) == "store.db ");
}

TEST_CASE("a foreign database is found by its lock where the kernel hides open files") {
  if (!os::read_file_locks().has_value()) return;  // a sandbox may have no such list
  CHECK(named_of_an_app(Rights::Few) == "store.db ");
}
