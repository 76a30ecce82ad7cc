#include "walwrap/daemon/replicator_orders.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walwrap::daemon {
void InitOrders::on_order(const supervisor::InitOrder& order) {
  switch (order.kind) {
    case supervisor::Order::AppStarted:
      app_started_ = true;
      break;
    case supervisor::Order::Stopping:
      stopping_ = true;
      break;
    case supervisor::Order::AppGone:
      break;
    case supervisor::Order::Flush:
      stopping_ = true;
      flush_until_ = order.deadline;
      break;
  }
}

void InitOrders::on_closed(MonoTime now) {
  if (closed_) return;
  closed_ = true;
  if (app_started_ && !flush_until_) flush_until_ = now + kOrphanFlush;
}

bool InitOrders::cancels_preparation(MonoTime now) const {
  if (!restarted_) return stopping_ || closed_;
  return flush_until_ && now >= *flush_until_;
}

supervisor::ReplicatorReport position_of(const std::vector<replication::ReplicatorStatus>& all) {
  supervisor::ReplicatorReport report;
  report.kind = supervisor::Report::Position;
  report.fencing = Fencing::On;
  std::optional<Bytes> most_lag;
  for (const auto& status : all) {
    report.lag_bytes += status.lag_bytes;
    report.last_put = std::max(report.last_put, status.last_put);
    report.fencing = std::max(report.fencing, status.fencing);
    if (most_lag && *most_lag >= status.lag_bytes) continue;
    most_lag = status.lag_bytes;
    report.txid = status.txid;
  }
  return report;
}

supervisor::ReplicatorReport drained_of(const std::vector<DatabaseFlush>& all) {
  supervisor::ReplicatorReport report;
  report.kind = supervisor::Report::Drained;
  report.flush = FlushOutcome::Ok;
  report.fencing = Fencing::On;
  bool first = true;
  for (const auto& [database, flush] : all) {
    report.lag_bytes += flush.lag_bytes;
    report.fencing = std::max(report.fencing, flush.fencing);
    // FlushOutcome is in the order from good to bad.
    if (first || flush.outcome > report.flush) {
      report.flush = flush.outcome;
      report.txid = flush.txid;
    }
    first = false;
    if (flush.missing.empty()) continue;
    report.text +=
        fmt::format("{}{}: {}", report.text.empty() ? "" : "; ", database, flush.missing);
  }
  return report;
}

void StatusPace::on_looked(bool changed, MonoTime now) {
  interval_ = changed ? std::chrono::nanoseconds(kWhileChanging)
                      : std::min<std::chrono::nanoseconds>(interval_ * 2, kWhileIdle);
  next_ = now + interval_;
}

}  // namespace walwrap::daemon
