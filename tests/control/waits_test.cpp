#include "walwrap/control/waits.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

using replication::CommitPosition;
using replication::Progress;

constexpr RandomId kFile{1}, kOtherFile{2}, kAttachment{10}, kLater{11};
constexpr MonoTime kNever = MonoTime::max();

Progress progress(std::uint64_t looked, std::uint64_t commits, std::uint64_t stored,
                  RandomId file = kFile, RandomId attachment = kAttachment) {
  return {.looked = looked,
          .attached = true,
          .committed = {file, attachment, commits},
          .stored = stored,
          .txid = {},
          .halted = {}};
}

Wait ticket(std::uint64_t id, std::uint64_t number, RandomId file = {}) {
  return {.id = id, .ticket = number, .file = file, .deadline = kNever};
}
Wait position(std::uint64_t id, std::uint64_t commits) {
  return {.id = id,
          .position = CommitPosition{kFile, kAttachment, commits},
          .file = kFile,
          .deadline = kNever};
}

TEST_CASE("a wait is answered only by a check that began after the request") {
  WaitList list;
  list.add(ticket(1, 5));
  CHECK(list.on_progress(progress(4, 9, 9)).empty());
  CHECK(list.on_progress(progress(5, 12, 11)).empty());
  CHECK(list.on_progress(progress(6, 13, 11)).empty());  // later commits are not waited for
  const auto ended = list.on_progress(progress(6, 13, 12));
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].how == Ended::How::Stored);
  CHECK(ended[0].position == CommitPosition{kFile, kAttachment, 12});
  CHECK(list.size() == 0);
}

TEST_CASE("a client that asks for the position is answered by the next check") {
  WaitList list;
  auto wait = ticket(1, 5);
  wait.what = Wait::For::Found;
  list.add(wait);
  CHECK(list.on_progress(progress(4, 9, 0)).empty());
  const auto ended = list.on_progress(progress(5, 9, 0));
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].how == Ended::How::Found);
  CHECK(ended[0].position->commits == 9);
}

TEST_CASE("a wait for a position needs no check") {
  WaitList list;
  list.add(position(1, 7));
  CHECK(list.on_progress(progress(1, 9, 6)).empty());
  CHECK(list.on_progress(progress(1, 9, 7)).size() == 1);
}

TEST_CASE("after a restart of the replicator a wait covers everything in the file") {
  WaitList list;
  list.add(position(1, 7));
  CHECK(list.on_progress(progress(1, 9, 3)).empty());
  // Counted anew, from one; seven and more of the new count were never asked for.
  CHECK(list.on_progress(progress(1, 1, 0, kFile, kLater)).empty());
  CHECK(list.on_progress(progress(1, 4, 1, kFile, kLater)).size() == 1);
}

TEST_CASE("an attachment answers no client before its first check") {
  WaitList list;
  list.add(position(1, 7));
  list.add(ticket(2, 5));
  CHECK(list.on_progress(progress(0, 0, 0, kFile, kLater)).empty());
  CHECK(list.size() == 2);
}

TEST_CASE("a replaced file is never reported as stored, whatever replaced it") {
  WaitList list;
  list.add(position(1, 7));
  list.add(ticket(2, 5, kFile));
  const auto ended = list.on_progress(progress(9, 99, 99, kOtherFile, kLater));
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].how == Ended::How::Replaced);
  CHECK(ended[1].how == Ended::How::Replaced);
}

TEST_CASE("without a database every client waits until its timeout") {
  WaitList list;
  auto wait = ticket(1, 1);
  wait.deadline = MonoTime{} + std::chrono::seconds(5);
  list.add(wait);
  auto none = progress(9, 9, 9);
  none.attached = false;
  CHECK(list.on_progress(none).empty());
  CHECK(list.next_deadline() == wait.deadline);
  CHECK(list.on_time(wait.deadline - std::chrono::nanoseconds(1)).empty());
  const auto ended = list.on_time(wait.deadline);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].how == Ended::How::TimedOut);
  CHECK_FALSE(list.next_deadline().has_value());
}

TEST_CASE("every client gets an answer when replication stops") {
  WaitList list;
  list.add(position(1, 7));
  list.add(ticket(2, 5));
  auto halted = progress(1, 1, 1);
  halted.halted = "another writer";
  const auto ended = list.on_progress(halted);
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].how == Ended::How::Halted);
}

TEST_CASE("a client that disconnects is dropped") {
  WaitList list;
  list.add(position(1, 7));
  list.add(ticket(2, 5));
  list.remove(1);
  list.remove(2);
  list.remove(3);
  CHECK(list.size() == 0);
  CHECK(list.on_progress(progress(9, 9, 9)).empty());
}

TEST_CASE("ten thousand waiting clients are answered once each, in the order of their commits") {
  WaitList list;
  constexpr std::uint64_t kMany = 10'000;
  for (std::uint64_t id = 1; id <= kMany; ++id) list.add(position(id, id));
  std::size_t answered = 0;
  for (std::uint64_t stored = 0; stored <= kMany; stored += 100) {
    for (const auto& ended : list.on_progress(progress(1, kMany, stored))) {
      CHECK(ended.position->commits <= stored);
      ++answered;
    }
  }
  CHECK(answered == kMany);
}

}  // namespace
}  // namespace walwrap::control
