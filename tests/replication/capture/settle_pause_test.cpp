#include "walwrap/replication/capture/settle_pause.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SettleUse = SettlePause::Use;

struct SettleRig {
  SettlePause pause;
  MonoTime now{seconds(1000)};
  MonoTime last_commit{};

  // Looks until it is settled, for so long at most. nullopt: not within that time.
  std::optional<milliseconds> unused_for(milliseconds length) {
    const MonoTime begun = now;
    pause.on_event();
    while (now - begun <= length) {
      if (pause.wants_look(now) && pause.on_look(SettleUse::Unused, last_commit, now)) {
        pause.on_settle(true, now);
        const auto after = now - begun;
        now = begun + length;
        return std::chrono::duration_cast<milliseconds>(after);
      }
      now += milliseconds(1);
    }
    return std::nullopt;
  }
  void transaction() {
    now += milliseconds(1);
    last_commit = now;
    now += milliseconds(1);
  }
};

TEST_CASE("a closed database becomes one file within milliseconds") {
  SettleRig rig;
  CHECK(rig.unused_for(seconds(1)) == milliseconds(1));
}

TEST_CASE("an app that opens the database for each transaction is soon left alone") {
  SettleRig rig;
  int settled = 0;
  for (int i = 0; i < 1000; ++i) {
    rig.transaction();
    if (rig.unused_for(milliseconds(20))) ++settled;
  }
  CHECK(settled <= 5);
  const auto last = rig.unused_for(seconds(1));
  REQUIRE(last.has_value());
  CHECK(*last <= milliseconds(250));
}

TEST_CASE("an app that has the database open again counts as one that committed") {
  SettleRig rig;
  int settled = 0;
  for (int i = 0; i < 100; ++i) {
    rig.pause.on_event();
    CHECK_FALSE(rig.pause.on_look(SettleUse::InUse, {}, rig.now));
    CHECK_FALSE(rig.pause.wants_look(rig.now));
    rig.now += milliseconds(1);
    if (rig.unused_for(milliseconds(20))) ++settled;
  }
  CHECK(settled <= 5);
}

TEST_CASE("a database whose app pauses for longer becomes one file soon again") {
  SettleRig rig;
  for (int i = 0; i < 10; ++i) {
    rig.transaction();
    rig.unused_for(milliseconds(10));
  }
  for (int i = 0; i < 10; ++i) {
    rig.transaction();
    rig.unused_for(seconds(2));
  }
  rig.transaction();
  const auto last = rig.unused_for(seconds(1));
  REQUIRE(last.has_value());
  CHECK(*last <= milliseconds(2));
}

TEST_CASE("a database that could not become one file is tried again without an event") {
  SettlePause pause;
  const MonoTime now{seconds(1000)};
  pause.on_event();
  CHECK_FALSE(pause.on_look(SettleUse::Unused, {}, now));
  const MonoTime then = pause.next_look(now);
  REQUIRE(pause.on_look(SettleUse::Unused, {}, then));
  pause.on_settle(false, then);
  CHECK_FALSE(pause.wants_look(then));
  CHECK(pause.next_look(then) == then + milliseconds(5));
  CHECK(pause.on_look(SettleUse::Unused, {}, then + milliseconds(5)));
}

}  // namespace
}  // namespace walwrap::replication
