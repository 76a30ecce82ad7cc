#include "walwrap/replication/capture/mode_pause.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ModeUse = ModePause::Use;

constexpr MonoTime kModeStart{seconds(1000)};

// An app that writes for a while, each `every`, and then no more.
struct ModeRig {
  ModePause pause{7};
  MonoTime now = kModeStart;
  ModePause::Stamp stamp{.file = 1, .changes = 1, .size = 4096};

  bool look(ModeUse use = ModeUse::Free) { return pause.on_look(stamp, use, now); }
  // True: the mode was to be changed while the app was still writing.
  bool writes_for(milliseconds length, milliseconds every) {
    MonoTime write = now;
    const MonoTime end = now + length;
    while (now < end) {
      for (; write <= now; write += every) ++stamp.changes;
      if (look()) return true;
      now = std::max(now + milliseconds(1), pause.next_look(now));
    }
    return false;
  }
  // How long after its last write the mode is changed.
  milliseconds until_change() {
    ++stamp.changes;
    const MonoTime from = now;
    while (!look()) now = pause.next_look(now);
    return duration_cast<milliseconds>(now - from);
  }
};

TEST_CASE("the longer a database waits, the shorter the pause that is enough") {
  struct Row {
    seconds waited;
    milliseconds least, most;
  };
  constexpr Row kRows[] = {
      {seconds(0), milliseconds(300), milliseconds(430)},
      {seconds(9), milliseconds(300), milliseconds(430)},
      {seconds(11), milliseconds(50), milliseconds(75)},
      {seconds(59), milliseconds(50), milliseconds(75)},
      {seconds(61), milliseconds(5), milliseconds(9)},
      {seconds(599), milliseconds(5), milliseconds(9)},
      {seconds(601), milliseconds(0), milliseconds(1)},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.waited.count());
    ModeRig rig;
    // Shorter than any pause that is enough, up to the last stage: the database is in use then.
    rig.look(ModeUse::InUse);
    rig.now += row.waited;
    rig.look(ModeUse::InUse);
    const auto got = rig.until_change();
    CHECK(got >= row.least);
    CHECK(got <= row.most);
  }
}

TEST_CASE("the journal mode is not changed while the app writes") {
  for (const int every : {1, 20, 100, 290}) {
    CAPTURE(every);
    ModeRig rig;
    CHECK_FALSE(rig.writes_for(seconds(10), milliseconds(every)));
  }
  ModeRig rig;
  CHECK_FALSE(rig.writes_for(seconds(590), milliseconds(4)));
}

TEST_CASE("a locked database or one with a journal is never changed, however long it waits") {
  ModeRig rig;
  for (int i = 0; i < 2000; ++i) {
    CHECK_FALSE(rig.look(ModeUse::InUse));
    rig.now += seconds(1);
  }
  CHECK(rig.pause.next_look(rig.now) - rig.now == milliseconds(250));
  CHECK(rig.look());  // it is free at last
}

TEST_CASE("the length of the required pause varies") {
  const auto first = ModeRig().until_change();
  bool differs = false;
  for (std::uint64_t seed = 1; seed < 9 && !differs; ++seed) {
    ModeRig rig;
    rig.pause = ModePause(seed * 0x1234'5678'9abcULL);
    differs = rig.until_change() != first;
  }
  CHECK(differs);
}

TEST_CASE("walwrap waits longer each time the app changes the mode back") {
  ModeRig rig;
  seconds last{0};
  for (int round = 1; round <= 6; ++round) {
    CAPTURE(round);
    const auto took = duration_cast<seconds>(rig.until_change());
    CHECK(rig.pause.times_undone() == round - 1);
    CHECK(took >= std::min(4 * last, seconds(600)));
    if (round > 1) CHECK(took >= seconds(10));
    CHECK(took <= seconds(601));
    last = took;
    rig.pause.on_changed(rig.stamp.file);
    rig.pause.on_over();
    rig.now += seconds(1);
  }
  // Another file at the same path is no change back.
  ++rig.stamp.file;
  CHECK(rig.until_change() < seconds(1));
  CHECK(rig.pause.times_undone() == 5);
}

}  // namespace
}  // namespace walwrap::replication
