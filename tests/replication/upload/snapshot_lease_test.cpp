#include "walwrap/replication/upload/snapshot_lease.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "tests/support/chain.hpp"
#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;
using State = SnapshotLease::State;

// A snapshot of two pages that is lent.
struct Lent : Chain {
  bool is_recalled = false;
  int times_home = 0;
  SnapshotLease lease;
  ByteVector page = ByteVector(4096);

  Lent() {
    home = [this] {
      return SnapshotLease::Home{.give_back =
                                     [this](auto back) {
                                       ++times_home;
                                       snapshot = std::move(back);
                                     },
                                 .is_recalled = [this] { return is_recalled; }};
    };
    lease = std::move(job().snapshot);
  }
};

TEST_CASE("a lease reads until it is recalled, and returns its snapshot once") {
  Lent lent;
  CHECK(lent.lease.state() == State::Reading);
  CHECK(lent.lease.read_page(Pgno{1}, lent.page).has_value());
  lent.is_recalled = true;
  CHECK(lent.lease.state() == State::Recalled);
  const auto refused = lent.lease.read_page(Pgno{1}, lent.page);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Cancelled);
  CHECK(lent.times_home == 0);
  lent.lease.give_back();
  CHECK(lent.lease.state() == State::Home);
  CHECK(lent.lease.was_recalled());
  REQUIRE(lent.snapshot != nullptr);
  CHECK_FALSE(lent.snapshot->is_active());
  lent.lease.give_back();
  CHECK(lent.times_home == 1);
}

TEST_CASE("a lease that is destroyed or replaced returns its snapshot") {
  Lent lent;
  lent.lease = SnapshotLease();
  CHECK(lent.times_home == 1);
  { const UploadJob dropped = lent.job(); }
  CHECK(lent.times_home == 2);
  REQUIRE(lent.snapshot != nullptr);
  CHECK_FALSE(lent.snapshot->is_active());
}

TEST_CASE("a lease that was moved from returns nothing") {
  Lent lent;
  const SnapshotLease moved = std::move(lent.lease);
  lent.lease = SnapshotLease();
  CHECK(lent.times_home == 0);
  CHECK(moved.state() == State::Reading);
}

TEST_CASE("a read through a lease that returned its snapshot causes a panic") {
  Lent lent;
  lent.lease.give_back();
  CHECK_THROWS_AS(ignore(lent.lease.read_page(Pgno{1}, lent.page), "it throws"), Panic);
}

}  // namespace
}  // namespace walwrap::replication
