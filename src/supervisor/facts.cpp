#include "walwrap/supervisor/facts.hpp"

#include <string_view>

#include "walwrap/base/signal_name.hpp"

namespace walwrap::supervisor {

namespace {

std::string signal_text(int signal) {
  return signal == 0 ? "none" : format_signal(signal);
}

std::string status_text(const os::ExitStatus& status) {
  return status.signal != 0 ? format_signal(status.signal) : fmt::format("{}", status.code);
}

std::string_view flush_text(const std::optional<FlushOutcome>& flush) {
  if (!flush) return "none";
  switch (*flush) {
    case FlushOutcome::Ok:
      return "ok";
    case FlushOutcome::Nothing:
      return "nothing";
    case FlushOutcome::Partial:
      return "partial";
    case FlushOutcome::Failed:
      return "failed";
  }
  return "failed";
}

std::string_view reason_text(fact::KillReason reason) {
  switch (reason) {
    case fact::KillReason::Deadline:
      return "its part of the grace period is over";
    case fact::KillReason::ThirdSignal:
      return "third stop signal";
    case fact::KillReason::Terminal:
      return "third Ctrl-C";
  }
  return "";
}

class Speaker {
 public:
  explicit Speaker(const Log& log) : log_(log) {}

  void operator()(const fact::AppStarted& fact) const {
    log_.info("app started", {{"pid", fact.pid.value}});
  }
  void operator()(const fact::AppSpawnDelayed& fact) const {
    log_.warn("app not started yet",
              {{"reason", fact.reason}, {"retry_in_ms", fact.retry_in.count()}});
  }
  void operator()(const fact::AppNotStarted& fact) const {
    log_.error("app cannot be started", {{"reason", fact.reason}, {"exit", fact.exit_code}});
  }
  void operator()(const fact::AppEnded& fact) const {
    log_.info("app ended", {{"status", status_text(fact.status)}, {"ran_ms", fact.ran.count()}});
  }
  void operator()(const fact::AppKilled& fact) const {
    log_.warn("app killed",
              {{"reason", reason_text(fact.reason)}, {"after_ms", fact.after.count()}});
  }
  void operator()(const fact::AppDoesNotDie& /*fact*/) const {
    log_.error("app survived SIGKILL; stopping without it");
  }
  void operator()(const fact::AppNotKilled& /*fact*/) const {
    log_.warn("app exceeded its part of the grace period; not killed, as configured");
  }
  void operator()(const fact::AppOutOfMemory& /*fact*/) const {
    log_.error(
        "app was killed: out of memory; raise the container's limit or reduce the app's use");
  }
  void operator()(const fact::StopBegun& fact) const {
    log_.info("stop begun", {{"signal", signal_text(fact.signal)},
                             {"sender", fact.sender},
                             {"app_ms", fact.split.app.count()},
                             {"flush_ms", fact.split.flush.count()},
                             {"margin_ms", fact.split.margin.count()}});
  }
  void operator()(const fact::StartAborted& fact) const {
    log_.info("start aborted", {{"signal", signal_text(fact.signal)}});
  }
  void operator()(const fact::FlushAbandoned& /*fact*/) const {
    log_.warn("flush abandoned after Ctrl-C at the terminal");
  }
  void operator()(const fact::ReplicatorDied& fact) const {
    log_.warn("replicator died", {{"status", status_text(fact.status)},
                                  {"times", fact.times},
                                  {"restart_in_ms", fact.restart_in.count()}});
  }
  void operator()(const fact::ReplicatorSteady& fact) const {
    log_.info("replicator is stable again", {{"deaths", fact.deaths}});
  }
  void operator()(const fact::ReplicatorHangs& /*fact*/) const {
    log_.warn("replicator closed its channel but does not exit; killing it");
  }
  void operator()(const fact::ReplicatorGivenUp& fact) const {
    log_.error("replicator keeps crashing; the app was not started", {{"deaths", fact.deaths}});
  }
  void operator()(const fact::StartRefused& fact) const {
    log_.error("start refused", {{"reason", fact.reason}, {"exit", fact.exit_code}});
  }
  void operator()(const fact::ReplicationRefused& fact) const {
    log_.error("replication refused; the app continues without it", {{"reason", fact.reason}});
  }
  void operator()(const fact::Fenced& /*fact*/) const {
    log_.error("another writer took over this replica; stopping the app");
  }
  void operator()(const fact::HandsOver& fact) const {
    log_.info("handing over: another walwrap takes over; stopping the app", {{"to", fact.to}});
  }
  void operator()(const fact::StandsBy& fact) const {
    constexpr std::string_view kMessage =
        "handed over; standing by without the app until a stop signal";
    if (fact.missing.empty()) {
      return log_.info(kMessage, {{"flush", flush_text(fact.flush)},
                                  {"txid", fact.txid},
                                  {"total_ms", fact.total.count()}});
    }
    log_.error(kMessage, {{"flush", flush_text(fact.flush)},
                          {"txid", fact.txid},
                          {"total_ms", fact.total.count()},
                          {"missing", fact.missing}});
  }
  void operator()(const fact::NoSuccessor& fact) const {
    log_.error(
        "nobody has the database after the hand-over; exiting, so that this one is restarted",
        {{"waited_ms", fact.waited.count()}, {"exit", fact.exit_code}});
  }
  void operator()(const fact::LeftoversFound& fact) const {
    log_.info("processes left behind by the app", {{"count", fact.processes}});
  }
  void operator()(const fact::LeftoversRemain& fact) const {
    log_.warn("processes survived SIGKILL; flushing while they run", {{"count", fact.processes}});
  }
  void operator()(const fact::Stopped& fact) const {
    if (fact.flush && *fact.flush != FlushOutcome::Ok) {
      // The app may intend to store nothing, or the path may be wrong: a person must look.
      const auto speak = *fact.flush == FlushOutcome::Nothing ? &Log::warn : &Log::error;
      return (log_.*speak)("stopped", {{"flush", flush_text(fact.flush)},
                                       {"txid", fact.txid},
                                       {"lag_bytes", fact.lag_bytes},
                                       {"fencing", format_fencing(fact.fencing)},
                                       {"total_ms", fact.total.count()},
                                       {"left_ms", fact.left.count()},
                                       {"exit", fact.exit_code},
                                       {"missing", fact.missing}});
    }
    log_.info("stopped", {{"flush", flush_text(fact.flush)},
                          {"txid", fact.txid},
                          {"lag_bytes", fact.lag_bytes},
                          {"fencing", format_fencing(fact.fencing)},
                          {"total_ms", fact.total.count()},
                          {"left_ms", fact.left.count()},
                          {"exit", fact.exit_code}});
  }

 private:
  const Log& log_;
};

}  // namespace

void say(const Log& log, const Fact& fact) {
  std::visit(Speaker(log), fact);
}

}  // namespace walwrap::supervisor
