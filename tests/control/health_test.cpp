#include "walwrap/control/health.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

using std::chrono::seconds;

constexpr MonoTime at(int second) {
  return MonoTime{} + seconds(1'000 + second);
}
WalStamp stamp(int writes) {
  return {
      .exists = true, .size = 4'000, .modified = WallTime{} + std::chrono::milliseconds(writes)};
}

// A pipeline that watches the right file: nothing lies beyond what it says is stored.
Health look(Watchdog& dog, const WalStamp& wal, MonoTime stored_as_of, const std::string& error,
            MonoTime now) {
  return dog.look({.wal = wal,
                   .has_more = false,
                   .stored = {.as_of = stored_as_of, .wal = std::nullopt},
                   .error = error},
                  now);
}
// One that says all was stored a moment ago, whatever it is that it looks at.
Health look_at_position(Watchdog& dog, bool has_more, std::uint32_t frame, MonoTime now) {
  return dog.look({.wal = stamp(1),
                   .has_more = has_more,
                   .stored = {.as_of = now, .wal = wal::Position{{1, 2}, frame, {}}},
                   .error = ""},
                  now);
}

TEST_CASE("a database whose WAL grows is healthy while everything is stored in time") {
  Watchdog dog(seconds(30));
  for (int second = 0; second < 120; ++second) {
    const auto health = look(dog, stamp(second), at(second - 2), "", at(second));
    CHECK(health.ok);
    CHECK(health.lag <= seconds(3));
  }
}

TEST_CASE("a database that cannot be attached is unhealthy after the limit, even without a WAL") {
  Watchdog dog(seconds(30));
  const auto waits = [&](int second) {
    return dog.look({.wal = {},
                     .waits_since = at(5),
                     .stored = {.as_of = at(second), .wal = std::nullopt},
                     .error = "it is locked"},
                    at(second));
  };
  CHECK(waits(6).lag == seconds(1));
  CHECK(waits(35).ok);
  const auto red = waits(36);
  CHECK_FALSE(red.ok);
  CHECK(red.reason.find("it is locked") != std::string::npos);
}

TEST_CASE("a write not stored within the limit is unhealthy, and the message gives its age") {
  Watchdog dog(seconds(30));
  CHECK(look(dog, stamp(1), at(0), "", at(0)).ok);
  CHECK(look(dog, stamp(2), at(0), "", at(10)).ok);
  CHECK(look(dog, stamp(2), at(0), "", at(30)).ok);
  const auto red = look(dog, stamp(2), at(0), "the store is away", at(45));
  CHECK_FALSE(red.ok);
  CHECK(red.reason == "a write from 35s ago is not stored yet: the store is away");
  CHECK(red.lag == seconds(35));
}

TEST_CASE("a database is healthy again as soon as everything is stored") {
  Watchdog dog(seconds(30));
  look(dog, stamp(1), at(0), "", at(0));
  look(dog, stamp(2), at(0), "", at(10));
  CHECK_FALSE(look(dog, stamp(2), at(0), "", at(60)).ok);
  CHECK(look(dog, stamp(2), at(61), "", at(62)).ok);
}

TEST_CASE("a stalled pipeline is detected from the WAL's growth alone") {
  Watchdog dog(seconds(30));
  look(dog, stamp(1), at(5), "", at(5));
  // The capture says nothing any more, not even that there is trouble; the app goes on.
  Health health;
  for (int second = 6; second < 60; ++second) {
    health = look(dog, stamp(second), at(5), "", at(second));
  }
  CHECK_FALSE(health.ok);
}

TEST_CASE("an idle database and an absent one stay healthy") {
  Watchdog dog(seconds(30));
  look(dog, stamp(1), at(0), "", at(0));
  look(dog, stamp(1), at(2), "", at(2));
  CHECK(look(dog, stamp(1), at(2), "", at(100'000)).ok);
  Watchdog other(seconds(30));
  look(other, {}, MonoTime{}, "", at(0));
  CHECK(look(other, {}, MonoTime{}, "", at(100'000)).ok);
}

TEST_CASE("a WAL that exists at the start counts as written at that time") {
  Watchdog dog(seconds(30));
  CHECK(look(dog, stamp(1), MonoTime{}, "", at(0)).ok);
  CHECK_FALSE(look(dog, stamp(1), MonoTime{}, "", at(31)).ok);
}

TEST_CASE("commits beyond a stopped position are unhealthy, whatever the pipeline reports") {
  Watchdog dog(seconds(30));
  CHECK(look_at_position(dog, false, 7, at(0)).ok);
  CHECK(look_at_position(dog, true, 7, at(10)).ok);
  CHECK(look_at_position(dog, true, 7, at(40)).ok);
  const auto red = look_at_position(dog, true, 7, at(41));
  CHECK_FALSE(red.ok);
  CHECK(red.reason == "a write from 31s ago is not stored yet");
  CHECK(look_at_position(dog, false, 9, at(42)).ok);
}

TEST_CASE("commits beyond a position that moves are no lag") {
  Watchdog dog(seconds(30));
  for (int second = 0; second < 120; second += 2) {
    const auto health = look_at_position(dog, true, static_cast<std::uint32_t>(second), at(second));
    CHECK(health.lag == seconds(0));
  }
}

replication::DatabaseFiles files(std::uint64_t inode, int written) {
  const os::FileStamp stamp{
      .id = {1, inode}, .size = 4096, .written = seconds(written), .changed = {}};
  const os::FileStamp log{.id = {1, 2}, .size = 0, .written = {}, .changed = {}};
  return {.database = stamp, .wal = log, .index = log};
}

// The WAL says nothing, and the pipeline says that all is stored.
Health look_at_files(Watchdog& dog, const replication::DatabaseFiles& attached,
                     const replication::DatabaseFiles& at_path, MonoTime now) {
  return dog.look({.wal = {},
                   .has_more = false,
                   .stored = {.as_of = now, .wal = std::nullopt},
                   .error = "",
                   .attached = attached,
                   .at_path = at_path},
                  now);
}

TEST_CASE("another file or content at the path is unhealthy, whatever the pipeline reports") {
  struct Row {
    replication::DatabaseFiles attached, at_path;
    bool is_red;
  };
  const Row rows[] = {
      {files(1, 5), files(1, 5), false},
      {files(1, 5), files(9, 5), true},
      {files(1, 5), files(1, 6), true},
      {{}, files(1, 5), true},
      {{}, {}, false},
      {files(1, 5), {}, true},
  };
  for (const Row& row : rows) {
    Watchdog dog(seconds(30));
    CHECK(look_at_files(dog, row.attached, row.at_path, at(0)).ok);
    CHECK(look_at_files(dog, row.attached, row.at_path, at(2)).ok);
    const auto health = look_at_files(dog, row.attached, row.at_path, at(40));
    CHECK(health.ok != row.is_red);
    if (row.is_red) CHECK(health.reason.find("not the replicated one") != std::string::npos);
    CHECK(look_at_files(dog, files(1, 7), files(1, 7), at(41)).ok);
  }
}

TEST_CASE("a database file that checkpoints write to is not a replaced file") {
  Watchdog dog(seconds(30));
  for (int second = 0; second < 120; second += 2) {
    CHECK(look_at_files(dog, files(1, second), files(1, second + 1), at(second)).lag == seconds(0));
  }
}

}  // namespace
}  // namespace walwrap::control
