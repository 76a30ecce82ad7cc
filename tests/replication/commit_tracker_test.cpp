#include "walwrap/replication/commit_tracker.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

constexpr Txid kBefore{7};
constexpr Txid kAfter{8};

CommitTracker attached() {
  CommitTracker tracker(kBefore);
  tracker.on_attached({1}, {2});
  return tracker;
}

TEST_CASE("commits count as stored when an upload taken after them is stored") {
  auto tracker = attached();
  tracker.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  tracker.on_taken(3);
  tracker.on_look(5, {.look = 2, .store_now = 0, .listening = true});
  CHECK(tracker.progress().stored == 0);
  tracker.on_done(CommitTracker::Became::Stored, kAfter);
  CHECK(tracker.progress().stored == 3);
  CHECK(tracker.progress().committed.commits == 5);
  CHECK(tracker.progress().txid == kAfter);
  CHECK(tracker.progress().looked == 2);
}

TEST_CASE("a failed upload stores nothing") {
  auto tracker = attached();
  tracker.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  tracker.on_taken(3);
  tracker.on_done(CommitTracker::Became::NothingNew, kBefore);
  CHECK(tracker.progress().stored == 0);
}

TEST_CASE("an upload includes commits that no check has found yet") {
  auto tracker = attached();
  tracker.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  tracker.on_taken(4);
  tracker.on_done(CommitTracker::Became::Stored, kAfter);
  CHECK(tracker.progress().stored == 4);
  CHECK(tracker.progress().committed.commits == 4);
}

TEST_CASE("an upload of a replaced file says nothing about the new file") {
  auto tracker = attached();
  tracker.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  tracker.on_taken(3);
  tracker.on_detached();
  CHECK_FALSE(tracker.progress().attached);
  tracker.on_attached({9}, {10});
  tracker.on_look(1, {.look = 1, .store_now = 0, .listening = true});
  tracker.on_done(CommitTracker::Became::Stored, kAfter);
  CHECK(tracker.progress().stored == 0);
}

TEST_CASE("a check of a replaced file answers no request about the new file") {
  auto tracker = attached();
  tracker.on_look(3, {.look = 4, .store_now = 0, .listening = true});
  tracker.on_detached();
  tracker.on_attached({9}, {10});
  CHECK(tracker.progress().looked == 0);
}

TEST_CASE("the pace does not delay a flush request until it is stored") {
  auto tracker = attached();
  tracker.on_look(2, {.look = 1, .store_now = 0, .listening = true});
  CHECK_FALSE(tracker.is_urgent());
  tracker.on_look(3, {.look = 2, .store_now = 2, .listening = true});
  CHECK(tracker.is_urgent());
  tracker.on_look(9, {.look = 3, .store_now = 2, .listening = true});  // later ones did not ask
  tracker.on_all_stored(3);
  CHECK_FALSE(tracker.is_urgent());
}

TEST_CASE("a wait is pending until its commits are stored or its client disconnects") {
  auto tracker = attached();
  tracker.on_look(2, {.look = 1, .store_now = 0, .listening = false});
  CHECK_FALSE(tracker.is_awaited());
  tracker.on_look(3, {.look = 2, .store_now = 0, .listening = true});
  CHECK(tracker.is_awaited());
  tracker.on_look(9, {.look = 3, .store_now = 0, .listening = false});
  tracker.on_all_stored(3);
  CHECK_FALSE(tracker.is_awaited());
}

}  // namespace
}  // namespace walwrap::replication
