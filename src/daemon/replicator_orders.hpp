// How the replicator's main thread combines init's orders and the states of its databases. Pure.
//
// Owned by that thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/supervisor/channel.hpp"
#include "walwrap/supervisor/init.hpp"

namespace walwrap::daemon {

// The orders from init so far.
class InitOrders {
 public:
  // Init is dead and the app still runs: the rest is uploaded in this time.
  static constexpr std::chrono::seconds kOrphanFlush{5};

  explicit InitOrders(supervisor::AtFork when)
      : app_started_(when == supervisor::AtFork::AppStarted), restarted_(app_started_) {}

  void on_order(const supervisor::InitOrder& order);
  void on_closed(MonoTime now);

  bool is_stopping() const { return stopping_; }
  // The preparation is no longer useful. Before the app starts, every order to stop ends it. Beside
  // a running app, a database that is attached late can still be flushed while there is time.
  bool cancels_preparation(MonoTime now) const;
  // No capture except the final flush, until this time.
  std::optional<MonoTime> flush_until() const { return flush_until_; }
  // Nothing to flush or report: the start was aborted.
  bool is_over() const { return closed_ && !flush_until_; }
  bool is_closed() const { return closed_; }

 private:
  bool app_started_;
  bool restarted_;
  bool stopping_ = false;
  bool closed_ = false;
  std::optional<MonoTime> flush_until_;
};

// One report for all databases: the sum of their lags, the slowest upload, and the TXID of the one
// with the largest lag.
supervisor::ReplicatorReport position_of(const std::vector<replication::ReplicatorStatus>& all);

struct DatabaseFlush {
  std::string database;
  replication::FlushReport report;
};
// The worst outcome, and what is missing in which database.
supervisor::ReplicatorReport drained_of(const std::vector<DatabaseFlush>& all);

// When to read the databases' status: each second while it changes, then less and less often, so
// that idle databases cause few wake-ups.
class StatusPace {
 public:
  static constexpr std::chrono::seconds kWhileChanging{1};
  static constexpr std::chrono::seconds kWhileIdle{60};

  explicit StatusPace(MonoTime now) : next_(now + kWhileChanging) {}
  MonoTime next() const { return next_; }
  bool is_due(MonoTime now) const { return now >= next_; }
  void on_looked(bool changed, MonoTime now);

 private:
  MonoTime next_;
  std::chrono::nanoseconds interval_ = kWhileChanging;
};

}  // namespace walwrap::daemon
