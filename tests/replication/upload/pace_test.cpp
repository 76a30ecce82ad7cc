#include "walwrap/replication/upload/pace.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace walwrap;
using namespace walwrap::replication;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

const MonoTime kFirst{1h};

// Uploads whenever allowed, each taking `took`, from `from` on for `lasting`; when they began.
std::vector<MonoTime> write_steadily(Pace& pace, MonoTime from, nanoseconds lasting,
                                     nanoseconds took) {
  std::vector<MonoTime> begun;
  for (MonoTime now = from; now < from + lasting;) {
    const MonoTime start = pace.next_allowed(now);
    REQUIRE(start >= now);
    if (start >= from + lasting) break;
    pace.on_upload(start, took, Writer::Pauses);
    begun.push_back(start);
    now = start + took;
  }
  return begun;
}

}  // namespace

TEST_CASE("a commit after a pause is uploaded at once") {
  Pace pace(Pace::Options{});
  CHECK(pace.next_allowed(kFirst) == kFirst);
  pace.on_upload(kFirst, 1ms, Writer::Pauses);
  for (int i = 1; i < 100; ++i) {
    const MonoTime now = kFirst + i * 5s;
    CHECK(pace.next_allowed(now) == now);
    pace.on_upload(now, 500ms, Writer::Pauses);
  }
}

TEST_CASE("ten commits in a row are uploaded at once, and the next one waits for the interval") {
  Pace pace({.interval = 1s});
  MonoTime now = kFirst;
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    CHECK(pace.next_allowed(now) == now);
    pace.on_upload(now, 1ms, Writer::Pauses);
    now += 1ms;
  }
  CHECK(pace.next_allowed(now) == kFirst + 1s);
  // After a pause of three intervals three tokens are back, not ten.
  now = kFirst + 3s;
  for (int i = 0; i < 3; ++i) {
    CHECK(pace.next_allowed(now) == now);
    pace.on_upload(now, 1ms, Writer::Pauses);
  }
  CHECK(pace.next_allowed(now) == kFirst + 4s);
}

TEST_CASE("continuous writes are uploaded once per interval") {
  struct Row {
    nanoseconds interval, took;
    std::size_t uploads;  // within 10 s, the first burst included
  };
  const Row rows[] = {
      {10ms, 1ms, 1000 + 9},
      {10ms, 100us, 1000 + 9},
      {1s, 30ms, 10 + 9},
      {100ms, 20ms, 100 + 9},
  };
  for (const Row& row : rows) {
    Pace pace({.interval = row.interval});
    CHECK(write_steadily(pace, kFirst, 10s, row.took).size() == row.uploads);
  }
}

TEST_CASE("uploads to a slow store take no more than their share of the time") {
  struct Row {
    nanoseconds interval, took;
    int share_percent;
    nanoseconds apart;  // begin to begin, once the burst is spent
  };
  const Row rows[] = {
      {10ms, 2ms, 20, 10ms},  // exactly the share
      {10ms, 4ms, 20, 20ms},  // a disk that takes 4 ms to sync
      {10ms, 100ms, 20, 500ms}, {10ms, 100ms, 50, 200ms},
      {10ms, 300ms, 20, 1s},  // never more than a second of lag for it
      {10ms, 3s, 20, 3s},     // slower than that: one after the other
      {5s, 3s, 20, 5s},       // an interval set longer than that stays
  };
  for (const Row& row : rows) {
    Pace pace({.interval = row.interval, .max_share_percent = row.share_percent});
    const auto begun = write_steadily(pace, kFirst, 100s, row.took);
    REQUIRE(begun.size() > 15);
    const auto last = begun.size() - 1;
    CHECK(begun[last] - begun[last - 1] == row.apart);
    CHECK(begun[last - 1] - begun[last - 2] == row.apart);
  }
}

TEST_CASE("a writer without pauses is uploaded less often than one with pauses") {
  for (const auto& [writer, apart] : {std::pair{Writer::Pauses, nanoseconds(100ms)},
                                      std::pair{Writer::NeverPauses, nanoseconds(200ms)}}) {
    Pace pace({.interval = 100ms, .burst = 1, .steady_share_percent = 1});
    pace.on_upload(kFirst, 2ms, writer);
    CHECK(pace.next_allowed(kFirst) == kFirst + apart);
  }
}

TEST_CASE("a store that becomes fast again is used at the usual interval") {
  Pace pace({.interval = 10ms});
  write_steadily(pace, kFirst, 10s, 100ms);
  const auto begun = write_steadily(pace, kFirst + 20s, 2s, 1ms);
  CHECK(begun[begun.size() - 1] - begun[begun.size() - 2] == 10ms);
}

TEST_CASE("during a stop there is no pace") {
  Pace pace({.interval = 1s});
  for (int i = 0; i < 30; ++i) pace.on_upload(kFirst, 1ms, Writer::Pauses);
  REQUIRE(pace.next_allowed(kFirst) > kFirst);
  pace.hurry();
  CHECK(pace.next_allowed(kFirst) == kFirst);
  pace.on_upload(kFirst, 10s, Writer::Pauses);
  CHECK(pace.next_allowed(kFirst + 1ms) == kFirst + 1ms);
}
