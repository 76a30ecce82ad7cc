#include "walwrap/supervisor/stop_requests.hpp"

#include <csignal>

namespace walwrap::supervisor {

StopRequests::Answer StopRequests::on_signal(const os::ReceivedSignal& signal, MonoTime now) {
  const bool is_ctrl_c = signal.number == SIGINT && signal.from_kernel;
  if (is_ctrl_c && ++terminal_interrupts >= kAbandonInterrupts) return Answer::AbandonFlush;
  if (!first) {
    first = now;
    count = 1;
    return Answer::First;
  }
  if (now < *first + kSwallowRepeated) return Answer::Swallow;
  return ++count == 2 ? Answer::PassOn : Answer::KillApp;
}

}  // namespace walwrap::supervisor
