#include "walwrap/replication/capture/blocking_readers.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap::replication {
namespace {

using std::chrono::seconds;
using Say = FailureEpisode::Say;

constexpr Bytes kUnremarkable = 16U << 20;
constexpr wal::Salts kLog{1, 2};
const MonoTime kBegin = MonoTime{} + std::chrono::hours(1);
const ReaderPid kNobody{};
constexpr std::uint64_t kInode = 42;

ReaderPid pid(int value) {
  return os::Pid{value};
}

// What was said after each pass, and how often the readers were asked for.
struct Watch {
  BlockingReaders log{kUnremarkable};
  std::vector<ReaderPid> readers{pid(7)};
  Bytes bytes = kUnremarkable + 1;
  wal::Salts salts = kLog;
  bool has_own_reader = false;
  int asked = 0;

  BlockingReaders::Finding pass(int at_s, std::uint32_t backfilled, std::uint32_t max_frame) {
    return log.on_pass(
        {.asked = max_frame,
         .salts = salts,
         .reached = {.backfilled = backfilled, .read_marks = {}},
         .wal_bytes = bytes,
         .has_own_reader = has_own_reader},
        [this] {
          ++asked;
          return readers;
        },
        kBegin + seconds(at_s));
  }
};

TEST_CASE("a reader is named when it has blocked checkpoints for ten seconds, and when it ends") {
  Watch watch;
  CHECK(watch.pass(0, 50, 60).say == Say::Nothing);
  CHECK_FALSE(watch.log.is_stuck());
  for (int at = 1; at < 10; ++at) {
    CHECK(watch.pass(at, 50, 60 + static_cast<std::uint32_t>(at)).say == Say::Nothing);
    CHECK(watch.log.is_stuck());
  }
  CHECK(watch.asked == 0);
  const auto started = watch.pass(10, 50, 100);
  CHECK(started.say == Say::Started);
  CHECK(started.pid == pid(7));
  CHECK(started.age == seconds(10));
  CHECK(watch.pass(39, 50, 200).say == Say::Nothing);
  const auto continues = watch.pass(40, 50, 200);
  CHECK(continues.say == Say::Continues);
  CHECK(continues.age == seconds(40));
  const auto ended = watch.pass(41, 200, 200);
  CHECK(ended.say == Say::Ended);
  CHECK(ended.pid == pid(7));
  CHECK(ended.age == seconds(41));
  CHECK_FALSE(watch.log.is_stuck());
  CHECK(watch.pass(60, 300, 300).say == Say::Nothing);
}

TEST_CASE("a short reader is not reported, and the kernel's lock list is not read") {
  struct Row {
    const char* what;
    std::uint32_t step;       // by which each pass gets further
    std::uint32_t remaining;  // frames that each pass leaves
    Bytes bytes;
    int expected_asks;
  };
  const std::vector<Row> rows = {
      {"a long reader", 0, 10, kUnremarkable + 1, 20},
      {"a log that is short all the same", 0, 10, kUnremarkable, 0},
      {"readers that come and go", 1, 10, kUnremarkable + 1, 0},
      {"a writer that never pauses", 1000, 0, kUnremarkable + 1, 0},
      {"no writer", 0, 0, kUnremarkable + 1, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Watch watch;
    watch.bytes = row.bytes;
    for (std::uint32_t at = 0; at < 30; ++at) {
      const std::uint32_t backfilled = 50 + at * row.step;
      const auto found = watch.pass(static_cast<int>(at), backfilled, backfilled + row.remaining);
      CHECK((row.expected_asks > 0 || found.say == Say::Nothing));
    }
    CHECK(watch.asked == row.expected_asks);
  }
}

TEST_CASE("the kernel's lock list is read at most once a second, whatever the checkpoints") {
  Watch watch;
  for (int at = 0; at < 12; ++at) watch.pass(at, 50, 60);
  CHECK(watch.asked == 2);
  for (int i = 0; i < 100; ++i) watch.pass(12, 50, 60);
  CHECK(watch.asked == 3);
}

TEST_CASE("readers in two checkpoints far apart are not one long reader") {
  Watch watch;
  watch.pass(0, 50, 60);
  CHECK(watch.pass(100, 55, 70).say == Say::Nothing);
  CHECK_FALSE(watch.log.is_stuck());
  CHECK(watch.asked == 0);
}

TEST_CASE("a WAL that restarts under a reader of the database file is blocked from then on") {
  Watch watch;
  watch.pass(0, 50, 60);
  watch.salts = {3, 4};
  CHECK(watch.pass(5, 0, 0).say == Say::Nothing);
  for (int at = 6; at < 16; ++at) CHECK(watch.pass(at, 0, 60).say == Say::Nothing);
  const auto found = watch.pass(16, 0, 60);
  CHECK(found.say == Say::Started);
  CHECK(found.age == seconds(10));
}

TEST_CASE("walwrap's own snapshot is not a long reader, unless another process reads too") {
  Watch watch;
  watch.has_own_reader = true;
  watch.readers = {};
  for (int at = 0; at < 20; ++at) CHECK(watch.pass(at, 50, 60).say == Say::Nothing);
  watch.readers = {pid(7)};
  CHECK(watch.pass(20, 50, 60).say == Say::Started);
  watch.readers = {};
  CHECK(watch.pass(21, 50, 60).say == Say::Ended);
}

TEST_CASE("a reader that the kernel does not list is still reported") {
  for (const std::vector<ReaderPid>& readers :
       {std::vector<ReaderPid>{}, std::vector<ReaderPid>{kNobody}}) {
    Watch watch;
    watch.readers = readers;
    watch.pass(0, 50, 60);
    watch.pass(1, 50, 60);
    const auto found = watch.pass(11, 50, 60);
    CHECK(found.say == Say::Started);
    CHECK(found.pid == kNobody);
    CHECK(found.age == seconds(11));
  }
}

TEST_CASE("the oldest reader is named with its own age") {
  Watch watch;
  for (int at = 0; at <= 10; ++at) watch.pass(at, 50, 60);
  watch.readers = {kNobody, pid(3), pid(7)};
  watch.pass(15, 50, 60);
  CHECK(watch.pass(40, 50, 60).pid == pid(7));
  watch.readers = {kNobody, pid(3)};
  watch.pass(41, 50, 60);
  const auto found = watch.pass(70, 50, 60);
  CHECK(found.say == Say::Continues);
  CHECK(found.pid == pid(3));
  CHECK(found.age == seconds(55));
}

TEST_CASE("readers with read lock 0 or with marks that a checkpoint did not pass block it") {
  constexpr os::Pid kSelf{1};
  const wal::CheckpointInfo reached{.backfilled = 50, .read_marks = {0, 50, 80, 20, 0xffffffff}};
  const auto lock = [](ReaderPid holder, Bytes first, Bytes last, const char* device = "08:01",
                       std::uint64_t inode = kInode) {
    return os::FileLock{holder, device, inode, first, last};
  };
  const auto ours = lock(kSelf, 121, 121);
  struct Row {
    const char* what;
    std::vector<os::FileLock> locks;
    std::vector<ReaderPid> expected;
  };
  const std::vector<Row> rows = {
      {"no lock but ours", {ours, lock(kSelf, 124, 124)}, {}},
      {"a reader of the database file alone", {lock(pid(9), 123, 123), ours}, {pid(9)}},
      {"at the frame where the pass ended", {ours, lock(pid(9), 124, 124)}, {pid(9)}},
      {"further on", {ours, lock(pid(9), 125, 125)}, {}},
      {"before it", {ours, lock(pid(9), 126, 126)}, {pid(9)}},
      {"on a mark that is not in use", {ours, lock(pid(9), 127, 127)}, {}},
      {"on a range of marks", {ours, lock(pid(9), 125, 126)}, {pid(9)}},
      {"a writer", {ours, lock(pid(9), 120, 120)}, {}},
      {"who has the file open", {ours, lock(pid(9), 128, 128)}, {}},
      {"two at once, one of them twice",
       {ours, lock(pid(9), 123, 124), lock(pid(8), 124, 124), lock(pid(9), 126, 126)},
       {pid(9), pid(8)}},
      {"one without a name", {ours, lock(kNobody, 124, 124)}, {kNobody}},
      {"another file", {ours, lock(pid(9), 124, 124, "08:01", 43)}, {}},
      {"the same inode number elsewhere", {ours, lock(pid(9), 124, 124, "08:02")}, {}},
      {"our own lock is not listed", {lock(pid(9), 124, 124), lock(kSelf, 124, 124)}, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK((pinning_readers(row.locks, kInode, kSelf, reached) == row.expected));
  }
}

}  // namespace
}  // namespace walwrap::replication
