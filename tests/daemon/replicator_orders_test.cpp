#include "walwrap/daemon/replicator_orders.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::daemon;
using replication::FlushReport;
using replication::ReplicatorStatus;
using supervisor::AtFork;
using supervisor::InitOrder;
using supervisor::Order;

namespace {

constexpr MonoTime kNow{1000s};

ReplicatorStatus status(std::uint64_t txid, Bytes lag, std::chrono::milliseconds put) {
  ReplicatorStatus out;
  out.txid = Txid{txid};
  out.lag_bytes = lag;
  out.last_put = put;
  return out;
}

DatabaseFlush flushed(std::string database, FlushOutcome outcome, std::uint64_t txid, Bytes lag,
                      std::string missing) {
  FlushReport report;
  report.outcome = outcome;
  report.txid = Txid{txid};
  report.lag_bytes = lag;
  report.missing = std::move(missing);
  return {std::move(database), report};
}

}  // namespace

TEST_CASE("before the app starts, a stop order or the end of init ends the preparation") {
  InitOrders orders(AtFork::AppNotStarted);
  CHECK_FALSE(orders.cancels_preparation(kNow));
  SUBCASE("stopping") {
    orders.on_order({Order::Stopping, 0, kNow + 10s});
    CHECK(orders.cancels_preparation(kNow));
    CHECK_FALSE(orders.flush_until().has_value());
  }
  SUBCASE("flush") {
    orders.on_order({Order::Flush, 0, kNow + 10s});
    CHECK(orders.cancels_preparation(kNow));
  }
  SUBCASE("closed") {
    orders.on_closed(kNow);
    CHECK(orders.cancels_preparation(kNow));
    CHECK(orders.is_over());
    CHECK_FALSE(orders.flush_until().has_value());
  }
}

TEST_CASE("beside a running app the preparation continues until the flush deadline") {
  InitOrders orders(AtFork::AppStarted);
  orders.on_order({Order::Stopping, 0, kNow + 10s});
  CHECK_FALSE(orders.cancels_preparation(kNow));
  orders.on_order({Order::AppGone, 0, {}});
  orders.on_order({Order::Flush, 0, kNow + 5s});
  CHECK_FALSE(orders.cancels_preparation(kNow + 4999ms));
  CHECK(orders.cancels_preparation(kNow + 5s));
}

TEST_CASE("a repeated flush order replaces the deadline") {
  InitOrders orders(AtFork::AppNotStarted);
  orders.on_order({Order::AppStarted, 42, {}});
  orders.on_order({Order::Flush, 0, kNow + 5s});
  orders.on_order({Order::Flush, 0, kNow + 2s});
  CHECK(orders.flush_until() == kNow + 2s);
  CHECK(orders.is_stopping());
}

TEST_CASE("when init dies, the rest is flushed within five seconds") {
  InitOrders orders(AtFork::AppNotStarted);
  orders.on_order({Order::AppStarted, 42, {}});
  CHECK_FALSE(orders.flush_until().has_value());
  orders.on_closed(kNow);
  orders.on_closed(kNow + 3s);
  CHECK(orders.flush_until() == kNow + 5s);
  CHECK_FALSE(orders.is_over());

  InitOrders restarted(AtFork::AppStarted);
  restarted.on_closed(kNow);
  CHECK(restarted.flush_until() == kNow + 5s);
}

TEST_CASE("a deadline from init stays valid when init dies") {
  InitOrders orders(AtFork::AppStarted);
  orders.on_order({Order::Flush, 0, kNow + 2s});
  orders.on_closed(kNow);
  CHECK(orders.flush_until() == kNow + 2s);
}

TEST_CASE("the position of several databases is their total lag and the TXID of the largest lag") {
  const auto none = position_of({});
  CHECK(none.lag_bytes == 0);
  CHECK(none.txid == Txid{0});

  const auto quiet = position_of({status(7, 0, 5ms), status(9, 0, 3ms)});
  CHECK(quiet.kind == supervisor::Report::Position);
  CHECK(quiet.txid == Txid{7});
  CHECK(quiet.last_put == 5ms);

  const auto busy = position_of({status(7, 10, 5ms), status(9, 30, 3ms), status(1, 20, 8ms)});
  CHECK(busy.txid == Txid{9});
  CHECK(busy.lag_bytes == 60);
  CHECK(busy.last_put == 8ms);
}

TEST_CASE("of several databases the weakest fencing is reported") {
  auto on = status(7, 0, 5ms), off = on, unknown = on;
  on.fencing = Fencing::On;
  off.fencing = Fencing::Off;
  CHECK(position_of({on, on}).fencing == Fencing::On);
  CHECK(position_of({on, unknown}).fencing == Fencing::NotKnown);
  CHECK(position_of({off, unknown, on}).fencing == Fencing::Off);
  auto drained = flushed("/a", FlushOutcome::Ok, 7, 0, "");
  CHECK(drained_of({drained}).fencing == Fencing::NotKnown);
  drained.report.fencing = Fencing::Off;
  CHECK(drained_of({drained}).fencing == Fencing::Off);
}

TEST_CASE("the flush result of several databases is the worst one") {
  const auto good = drained_of(
      {flushed("/a", FlushOutcome::Ok, 7, 0, ""), flushed("/b", FlushOutcome::Ok, 9, 0, "")});
  CHECK(good.kind == supervisor::Report::Drained);
  CHECK(good.flush == FlushOutcome::Ok);
  CHECK(good.txid == Txid{7});
  CHECK(good.text.empty());

  const auto mixed = drained_of({flushed("/a", FlushOutcome::Ok, 7, 0, ""),
                                 flushed("/b", FlushOutcome::Failed, 9, 4096, "store unreachable"),
                                 flushed("/c", FlushOutcome::Partial, 3, 8192, "out of time")});
  CHECK(mixed.flush == FlushOutcome::Failed);
  CHECK(mixed.txid == Txid{9});
  CHECK(mixed.lag_bytes == 12288);
  CHECK(mixed.text == "/b: store unreachable; /c: out of time");
}

TEST_CASE("a busy replicator's status is read each second, an idle one's less and less often") {
  StatusPace pace(kNow);
  CHECK_FALSE(pace.is_due(kNow + 999ms));
  CHECK(pace.is_due(kNow + 1s));
  MonoTime::duration wait = 1s;
  for (int looks = 0; looks < 20; ++looks) {
    pace.on_looked(false, kNow);
    wait = std::min<MonoTime::duration>(wait * 2, StatusPace::kWhileIdle);
    CHECK(pace.next() == kNow + wait);
  }
  CHECK(wait == StatusPace::kWhileIdle);
  pace.on_looked(true, kNow);
  CHECK(pace.next() == kNow + 1s);
}
