// What the replicator's main thread makes of init's orders and of its databases. Pure.
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

// What init has said so far.
class InitOrders {
 public:
  // Init is dead and the app is not: what is left to upload gets this long.
  static constexpr std::chrono::seconds kOrphanFlush{5};

  explicit InitOrders(supervisor::AtFork when)
      : app_started_(when == supervisor::AtFork::AppStarted), restarted_(app_started_) {}

  void on_order(const supervisor::InitOrder& order);
  void on_closed(MonoTime now);

  bool is_stopping() const { return stopping_; }
  // Preparing has become pointless. Before the app, every order to stop says so. Beside a running
  // app a database that is attached late can still be flushed, until there is no time left.
  bool cancels_preparation(MonoTime now) const;
  // No more capture than one last flush, until this time.
  std::optional<MonoTime> flush_until() const { return flush_until_; }
  // Nothing to flush or to report: the start was aborted.
  bool is_over() const { return closed_ && !flush_until_; }
  bool is_closed() const { return closed_; }

 private:
  bool app_started_;
  bool restarted_;
  bool stopping_ = false;
  bool closed_ = false;
  std::optional<MonoTime> flush_until_;
};

// One report for all databases: the sum of their lags, the slowest put, and the TXID of the one
// that lags most.
supervisor::ReplicatorReport position_of(const std::vector<replication::ReplicatorStatus>& all);

struct DatabaseFlush {
  std::string database;
  replication::FlushReport report;
};
// The worst outcome, and what is missing of which database.
supervisor::ReplicatorReport drained_of(const std::vector<DatabaseFlush>& all);

// When to look at the databases' status: each second while it changes, then ever more seldom, so
// that idle databases cost next to no wake-ups.
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
