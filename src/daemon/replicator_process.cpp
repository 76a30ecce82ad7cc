#include "walwrap/daemon/replicator_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "walwrap/base/exit_code.hpp"
#include "walwrap/daemon/foreign_databases.hpp"
#include "walwrap/daemon/replicator_orders.hpp"
#include "walwrap/os/directory_lock.hpp"
#include "walwrap/os/poller.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::daemon {
namespace {

using replication::Replicator;
using replication::ReplicatorOptions;
using supervisor::Channel;
using supervisor::ReplicatorReport;
using supervisor::Report;

// A database that was refused beside a running app is tried again this often.
constexpr std::chrono::seconds kRetryRefused{30};

struct Served {
  ReplicatorOptions options;
  std::unique_ptr<Replicator> replicator;  // null: refused, see why
  std::string reason;
};

class ReplicatorProcess {
 public:
  ReplicatorProcess(Channel channel, supervisor::AtFork at_fork, const os::Clock& clock,
                    const Log& log)
      : channel_(std::move(channel)),
        is_restart_(at_fork == supervisor::AtFork::AppStarted),
        clock_(clock),
        log_(log),
        orders_(at_fork) {}

  int run(const std::vector<ReplicatorOptions>& databases, const ApiOptions& api);

 private:
  Result<void> prepare(Served& served);
  Result<void> prepare_all();
  Result<void> serve_api(const ApiOptions& api);
  bool has_another_owner() const;
  void report_handover();
  std::vector<control::DatabaseHandle> databases() const;
  void retry_refused();
  int serve();
  int refuse(const Error& error);
  void take_orders();
  void hurry();
  bool report_position();
  MonoTime next_look(const StatusPace& pace);
  void look_for_foreign();
  int flush_and_leave();
  std::vector<DatabaseFlush> flush_all(MonoTime deadline);
  Result<void> send(const ReplicatorReport& report) {
    return channel_.send(supervisor::encode(report));
  }

  Channel channel_;
  const bool is_restart_;
  const os::Clock& clock_;
  const Log& log_;
  InitOrders orders_;
  std::vector<Served> served_;
  std::optional<MonoTime> retry_at_;
  std::optional<std::string> last_position_;  // as sent
  bool hurried_ = false;
  std::optional<os::Wakeup> asked_;                        // by the server's thread
  os::Published<std::optional<std::string>> handover_to_;  // reported to init once
  std::optional<ForeignDatabases> foreign_;
  std::unique_ptr<control::Server> server_;  // asks the replicators, and so goes before them
};

int ReplicatorProcess::run(const std::vector<ReplicatorOptions>& databases, const ApiOptions& api) {
  for (const ReplicatorOptions& options : databases) served_.push_back({options, nullptr, ""});
  const auto free = check_listener(api);
  if (!free && !is_restart_ && !has_another_owner()) return refuse(free.error());
  const auto prepared = prepare_all();
  if (!prepared) {
    if (prepared.error().code != Code::Cancelled) return refuse(prepared.error());
    // Stopped during the preparation. Before the app nothing was left behind, and init knows why.
    return orders_.flush_until() ? flush_and_leave() : 0;
  }
  if (const auto served = serve_api(api); !served) {
    // While the app runs this must not stop it; before the app starts it is an error.
    if (!is_restart_) return refuse(served.error());
    log_.error("API cannot be served, the app goes on", {{"cause", served.error().text}});
  }
  const auto ready = send({.kind = Report::Ready, .text = {}, .txid = {}});
  if (!ready) take_orders();
  return serve();
}

Result<void> ReplicatorProcess::prepare(Served& served) {
  served.options.app_running = is_restart_;
  served.replicator = TRY(Replicator::prepare(served.options, clock_, log_, [this] {
    take_orders();
    return orders_.cancels_preparation(clock_.mono());
  }));
  return {};
}

Result<void> ReplicatorProcess::prepare_all() {
  std::optional<Error> refused;
  bool any = false;
  for (Served& served : served_) {
    const auto prepared = prepare(served);
    if (prepared) {
      any = true;
      continue;
    }
    // Before the app, one refusal refuses everything. Beside the app, the other databases continue.
    if (!is_restart_ || prepared.error().code == Code::Cancelled) return fail(prepared.error());
    served.reason = prepared.error().text;
    refused = prepared.error();
  }
  if (!any && refused) return fail(*refused);
  for (const Served& served : served_) {
    if (served.replicator) {
      TRY(served.replicator->start().context("start replication"));
      continue;
    }
    log_.error("database is not replicated", {{"db", served.options.database.string()},
                                              {"cause", served.reason},
                                              {"retry_ms", 1000 * kRetryRefused.count()}});
  }
  if (refused) retry_at_ = clock_.mono() + kRetryRefused;
  return {};
}

std::vector<control::DatabaseHandle> ReplicatorProcess::databases() const {
  std::vector<control::DatabaseHandle> all;
  for (const Served& served : served_) {
    control::DatabaseHandle handle{.database = served.options.database,
                                   .replica = served.options.location.url,
                                   .reason = served.reason};
    if (Replicator* replicator = served.replicator.get(); replicator != nullptr) {
      handle.sync_requests = &replicator->sync_requests();
      handle.points = &replicator->points();
      handle.status = [replicator] { return replicator->status(); };
    }
    all.push_back(std::move(handle));
  }
  return all;
}

// It may listen at our address, and will hand that over together with the database.
bool ReplicatorProcess::has_another_owner() const {
  return std::any_of(served_.begin(), served_.end(), [](const Served& served) {
    return os::DirectoryLock::is_held(replication::StateDir::path_for(served.options.database));
  });
}

// Init stops the app, and then orders the flush as for any stop.
void ReplicatorProcess::report_handover() {
  asked_->drain();
  const auto to = handover_to_.get();
  if (!to) return;
  const auto sent = send({.kind = Report::HandOver, .text = *to, .txid = {}});
  if (!sent) log_.warn("hand-over not reported yet", {{"cause", sent.error().text}});
  if (sent) handover_to_.set(std::nullopt);
}

Result<void> ReplicatorProcess::serve_api(const ApiOptions& api) {
  auto options = TRY(open_api(api, log_));
  asked_ = TRY(os::Wakeup::create());
  options.handler.hand_over = [this](std::string to) {
    handover_to_.set(std::move(to));
    asked_->notify();
  };
  server_ = TRY(control::Server::start(std::move(options), databases(), clock_, log_));
  return {};
}

void ReplicatorProcess::retry_refused() {
  if (!retry_at_ || clock_.mono() < *retry_at_) return;
  retry_at_.reset();
  for (Served& served : served_) {
    if (served.replicator) continue;
    served.options.start_timeout = {};  // one try, because the channel waits
    auto prepared = prepare(served);
    if (prepared) prepared = served.replicator->start();
    if (prepared) {
      log_.info("database is replicated again", {{"db", served.options.database.string()}});
      if (server_) server_->set_databases(databases());
      continue;
    }
    served.replicator.reset();
    served.reason = prepared.error().text;
    retry_at_ = clock_.mono() + kRetryRefused;
  }
}

int ReplicatorProcess::refuse(const Error& error) {
  ReplicatorReport report;
  report.kind = Report::Refused;
  report.exit_code = kExitConfiguration;
  report.text = error.text;
  const auto sent = send(report);
  if (!sent) log_.error("start refused", {{"cause", error.text}});
  return kExitConfiguration;
}

void ReplicatorProcess::take_orders() {
  while (true) {
    const auto received = channel_.receive();
    if (received.state == Channel::State::Empty) return;
    if (received.state == Channel::State::Closed) return orders_.on_closed(clock_.mono());
    const auto order = supervisor::parse_order(received.packet);
    if (!order) {
      log_.error("malformed order from init", {{"cause", order.error().text}});
      continue;
    }
    orders_.on_order(*order);
  }
}

void ReplicatorProcess::hurry() {
  if (std::exchange(hurried_, true)) return;
  if (server_) server_->set_stopping();
  for (const Served& served : served_) {
    if (served.replicator) served.replicator->hurry();
  }
}

// True if the report has changed.
bool ReplicatorProcess::report_position() {
  std::vector<replication::ReplicatorStatus> all;
  for (const Served& served : served_) {
    if (served.replicator) all.push_back(served.replicator->status());
  }
  auto packet = supervisor::encode(position_of(all));
  if (packet == last_position_) return false;
  // A full channel loses nothing: the next check finds the same change.
  if (channel_.send(packet)) last_position_ = std::move(packet);
  return true;
}

MonoTime ReplicatorProcess::next_look(const StatusPace& pace) {
  const MonoTime next = std::min(pace.next(), foreign_->schedule().next());
  return retry_at_ ? std::min(*retry_at_, next) : next;
}

// Not once a stop has begun: the flush comes first.
void ReplicatorProcess::look_for_foreign() {
  if (!foreign_) {
    std::vector<os::Path> replicated;
    for (const Served& served : served_) replicated.push_back(served.options.database);
    foreign_.emplace(std::move(replicated), clock_.mono());
  }
  if (!orders_.is_stopping() && foreign_->schedule().is_due(clock_.mono())) {
    foreign_->look(log_, clock_.mono());
  }
}

int ReplicatorProcess::serve() {
  auto poller = os::Poller::create();
  if (!poller) return refuse(poller.error());
  if (const auto added = poller->add(channel_.descriptor(), 0); !added) {
    return refuse(added.error());
  }
  if (asked_) {
    if (const auto added = poller->add(asked_->descriptor(), 1); !added) {
      return refuse(added.error());
    }
  }
  StatusPace pace(clock_.mono());
  while (true) {
    take_orders();
    if (orders_.is_over()) return 0;
    if (orders_.flush_until()) return flush_and_leave();
    if (orders_.is_stopping() && !hurried_) {
      hurry();
      report_position();  // the remaining time is divided in proportion to the lags
    }
    if (asked_) report_handover();
    retry_refused();
    look_for_foreign();
    if (pace.is_due(clock_.mono())) pace.on_looked(report_position(), clock_.mono());
    const auto woken = poller->wait(next_look(pace));
    if (!woken) return refuse(woken.error());
  }
}

// On this thread, because a new thread may be refused at the limit of tasks or memory.
std::vector<DatabaseFlush> ReplicatorProcess::flush_all(MonoTime deadline) {
  for (const Served& served : served_) {
    if (served.replicator) served.replicator->begin_flush(deadline);
  }
  std::vector<DatabaseFlush> all;
  for (const Served& served : served_) {
    all.push_back({served.options.database.string(), {}});
    replication::FlushReport& report = all.back().report;
    if (!served.replicator) {
      report.missing = served.reason.empty() ? "not attached in time" : served.reason;
      continue;
    }
    try {
      report = served.replicator->flush(deadline);
    } catch (const std::exception& bug) {  // must not prevent the flush of the other databases
      report.missing = fmt::format("a bug: {}", bug.what());
    }
  }
  return all;
}

int ReplicatorProcess::flush_and_leave() {
  hurry();
  const auto drained = drained_of(flush_all(*orders_.flush_until()));
  server_.reset();  // which answers the waiting clients
  if (!send(drained)) {
    // Init has died: this log line is the only record of the flush.
    log_.warn(
        "init died; final flush done",
        {{"lag_bytes", drained.lag_bytes}, {"txid", drained.txid}, {"missing", drained.text}});
    return 0;
  }
  auto poller = os::Poller::create();
  if (!poller || !poller->add(channel_.descriptor(), 0)) return 0;
  while (!orders_.is_closed()) {
    // This wait is limited: init closes the channel or dies, which closes it too.
    if (!poller->wait(std::nullopt)) return 0;
    take_orders();
  }
  return 0;
}

}  // namespace

int replicate(const std::vector<ReplicatorOptions>& databases, const ApiOptions& api,
              Channel channel, supervisor::AtFork at_fork, const os::Clock& clock, const Log& log) {
  os::set_process_name("walwrap-repl");
  try {
    return ReplicatorProcess(std::move(channel), at_fork, clock, log).run(databases, api);
  } catch (const std::exception& bug) {
    log.error("replicator has a bug", {{"what", bug.what()}});
    return kExitBug;
  }
}

}  // namespace walwrap::daemon
