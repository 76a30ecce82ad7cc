#include "walwrap/replication/ledger.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

constexpr Txid kBefore{7};
constexpr Txid kAfter{8};

Ledger attached() {
  Ledger ledger(kBefore);
  ledger.on_attached({1}, {2});
  return ledger;
}

TEST_CASE("commits are stored when the upload that was taken after them is") {
  auto ledger = attached();
  ledger.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  ledger.on_taken(3);
  ledger.on_look(5, {.look = 2, .store_now = 0, .listening = true});
  CHECK(ledger.progress().stored == 0);
  ledger.on_done(Ledger::Became::Stored, kAfter);
  CHECK(ledger.progress().stored == 3);
  CHECK(ledger.progress().committed.commits == 5);
  CHECK(ledger.progress().txid == kAfter);
  CHECK(ledger.progress().looked == 2);
}

TEST_CASE("an upload that failed stores nothing") {
  auto ledger = attached();
  ledger.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  ledger.on_taken(3);
  ledger.on_done(Ledger::Became::NothingNew, kBefore);
  CHECK(ledger.progress().stored == 0);
}

TEST_CASE("an upload sees commits that no look has found yet") {
  auto ledger = attached();
  ledger.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  ledger.on_taken(4);
  ledger.on_done(Ledger::Became::Stored, kAfter);
  CHECK(ledger.progress().stored == 4);
  CHECK(ledger.progress().committed.commits == 4);
}

TEST_CASE("an upload of a file that was replaced says nothing about the new one") {
  auto ledger = attached();
  ledger.on_look(3, {.look = 1, .store_now = 0, .listening = true});
  ledger.on_taken(3);
  ledger.on_detached();
  CHECK_FALSE(ledger.progress().attached);
  ledger.on_attached({9}, {10});
  ledger.on_look(1, {.look = 1, .store_now = 0, .listening = true});
  ledger.on_done(Ledger::Became::Stored, kAfter);
  CHECK(ledger.progress().stored == 0);
}

TEST_CASE("a look at a file that was replaced answers nobody who asks about the new one") {
  auto ledger = attached();
  ledger.on_look(3, {.look = 4, .store_now = 0, .listening = true});
  ledger.on_detached();
  ledger.on_attached({9}, {10});
  CHECK(ledger.progress().looked == 0);
}

TEST_CASE("who asks for now is not held back by the pace, until it is stored") {
  auto ledger = attached();
  ledger.on_look(2, {.look = 1, .store_now = 0, .listening = true});
  CHECK_FALSE(ledger.is_urgent());
  ledger.on_look(3, {.look = 2, .store_now = 2, .listening = true});
  CHECK(ledger.is_urgent());
  ledger.on_look(9, {.look = 3, .store_now = 2, .listening = true});  // later ones did not ask
  ledger.on_all_stored(3);
  CHECK_FALSE(ledger.is_urgent());
}

TEST_CASE("what somebody waits for is awaited, until it is stored or nobody waits any more") {
  auto ledger = attached();
  ledger.on_look(2, {.look = 1, .store_now = 0, .listening = false});
  CHECK_FALSE(ledger.is_awaited());
  ledger.on_look(3, {.look = 2, .store_now = 0, .listening = true});
  CHECK(ledger.is_awaited());
  ledger.on_look(9, {.look = 3, .store_now = 0, .listening = false});
  ledger.on_all_stored(3);
  CHECK_FALSE(ledger.is_awaited());
}

}  // namespace
}  // namespace walwrap::replication
