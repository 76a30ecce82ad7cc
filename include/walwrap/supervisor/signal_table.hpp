// What a received signal asks of init.
//
// Pure. SIGCHLD is no question for this table: it only wakes the loop, which reaps after each wake.
#pragma once

#include "walwrap/os/signals.hpp"

namespace walwrap::supervisor {

enum class SignalAnswer {
  Ignore,
  Forward,  // to the app's main process
  Stop,     // a stop begins, or is asked for once more
  Suspend,  // job control: stop the app, then ourselves
  Resume,   // undo that, or forward if there was none
};

enum class SignalStage {
  BeforeApp,  // nothing to forward to
  Running,
  Stopping,
};

struct SignalContext {
  SignalStage stage = SignalStage::Running;
  bool pid_1 = false;
};

SignalAnswer classify_signal(const os::ReceivedSignal& signal, const SignalContext& context);

}  // namespace walwrap::supervisor
