#include "walwrap/supervisor/signal_table.hpp"

#include <algorithm>
#include <csignal>

namespace walwrap::supervisor {

namespace {

SignalAnswer on_job_control(int number, const SignalContext& context) {
  if (context.stage == SignalStage::Stopping) return SignalAnswer::Ignore;
  if (!context.pid_1) return SignalAnswer::Suspend;
  // PID 1 cannot be stopped, and a session leader has no job control.
  return number == SIGTSTP ? SignalAnswer::Forward : SignalAnswer::Ignore;
}

SignalAnswer on_hang_up(bool from_kernel, SignalStage stage) {
  if (!from_kernel) return SignalAnswer::Forward;  // "reload", by convention
  return stage == SignalStage::Stopping ? SignalAnswer::Ignore : SignalAnswer::Stop;
}

}  // namespace

bool SignalRules::is_stop(int number) const {
  return std::find(stop.begin(), stop.end(), number) != stop.end();
}

int SignalRules::in_place_of(int number) const {
  const auto found = rewrite.find(number);
  return found == rewrite.end() ? number : found->second;
}

SignalAnswer classify_signal(const os::ReceivedSignal& signal, const SignalContext& context,
                             const SignalRules& rules) {
  if (rules.is_stop(signal.number)) return SignalAnswer::Stop;
  switch (signal.number) {
    case SIGHUP:
      return on_hang_up(signal.from_kernel, context.stage);
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
      // Without an app that takes it, the signal ends walwrap, as it would end a plain program.
      return context.stage == SignalStage::BeforeApp ? SignalAnswer::Stop : SignalAnswer::Forward;
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return on_job_control(signal.number, context);
    case SIGCONT:
      return SignalAnswer::Resume;
    case SIGCHLD:
    case SIGPIPE:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGSYS:
      return SignalAnswer::Ignore;
    default:
      return SignalAnswer::Forward;
  }
}

}  // namespace walwrap::supervisor
