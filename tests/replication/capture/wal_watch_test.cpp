#include "walwrap/replication/capture/wal_watch.hpp"

#include <doctest/doctest.h>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

constexpr WalWatch::Situation kAttached{.attached = true};

struct WatchRig {
  testing::TempDir directory;
  os::Path database = directory / "app.db";
  os::SystemClock clock;
  os::Wakeup wakeup = os::Wakeup::create().value();
  WalWatch watch{database, clock};

  WatchRig() {
    std::filesystem::create_directory(StateDir::path_for(database));  // where inotify is tried
    watch.start({wakeup.descriptor()});
  }
  milliseconds next() const {
    const MonoTime now = clock.mono();
    return std::chrono::round<milliseconds>(watch.next_look(kAttached, now) - now);
  }
};

TEST_CASE("an idle database is checked every two seconds") {
  WatchRig rig;
  REQUIRE(rig.watch.works());
  CHECK(rig.next() == milliseconds(2'000));
}

TEST_CASE("after a commit the WAL is checked again within ten milliseconds") {
  WatchRig rig;
  rig.watch.on_commit(rig.clock.mono());
  CHECK(rig.next() == milliseconds(10));
}

TEST_CASE("a write to the WAL ends the wait, and checks follow it closely") {
  WatchRig rig;
  testing::AppDb app(rig.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  rig.watch.watch_wal();
  os::pause_for(milliseconds(260));  // what watch_wal itself brings is over
  app.run("INSERT INTO t VALUES(1)");
  const MonoTime from = rig.clock.mono();
  rig.watch.wait(kAttached, from + milliseconds(10'000));
  CHECK(rig.clock.mono() - from < milliseconds(5'000));
  CHECK(rig.next() <= milliseconds(1));
}

TEST_CASE("a new writer counts as pausing until it has written for a fifth of a second") {
  WatchRig rig;
  testing::AppDb(rig.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  rig.watch.watch_wal();
  const MonoTime start = rig.clock.mono();
  struct Row {
    milliseconds now, last_commit;  // after start
    bool is_pausing;
  };
  const Row rows[] = {
      {milliseconds(100), milliseconds(0), true},    {milliseconds(120), milliseconds(120), true},
      {milliseconds(300), milliseconds(260), true},  {milliseconds(301), milliseconds(300), false},
      {milliseconds(900), milliseconds(870), false}, {milliseconds(921), milliseconds(870), true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.now.count());
    rig.watch.choose(start + row.now, start + row.last_commit);
    CHECK(rig.watch.is_writer_pausing() == row.is_pausing);
  }
}

TEST_CASE("a database that appears wakes the attacher, and other files beside it do not") {
  WatchRig rig;
  testing::AppDb(rig.directory / "other.db").run("CREATE TABLE t(a)");
  CHECK_FALSE(rig.watch.wait({}, rig.clock.mono() + milliseconds(50)));
  testing::AppDb(rig.database).run("CREATE TABLE t(a)");
  CHECK(rig.watch.wait({}, rig.clock.mono() + milliseconds(5'000)));
}

TEST_CASE("a wakeup ends the wait") {
  WatchRig rig;
  rig.wakeup.notify();
  const MonoTime from = rig.clock.mono();
  CHECK_FALSE(rig.watch.wait(kAttached, from + milliseconds(10'000)));
  CHECK(rig.clock.mono() - from < milliseconds(5'000));
}

// A clock that a test puts forward, as the machine's would be after hours.
class LaterClock : public os::SystemClock {
 public:
  MonoTime mono() const override { return os::SystemClock::mono() + std::chrono::hours(1); }
};

TEST_CASE("a wait lasts as long as its clock says, whatever the machine's clock says") {
  const testing::TempDir directory;
  const LaterClock clock;
  auto wakeup = os::Wakeup::create().value();
  auto give_up = os::Wakeup::create().value();
  WalWatch watch(directory / "app.db", clock);
  watch.start({wakeup.descriptor()});
  os::Thread late(
      "late",
      [&] {
        if (!give_up.wait_for(milliseconds(5'000))) wakeup.notify();
      },
      [](std::string_view) {});
  const MonoTime from = clock.mono();
  watch.wait({}, from + milliseconds(20));
  const auto took = clock.mono() - from;
  give_up.notify();
  late.join();
  CHECK(took >= milliseconds(20));
  CHECK(took < milliseconds(5'000));
}

}  // namespace
}  // namespace walwrap::replication
