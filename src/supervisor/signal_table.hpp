// What init does with a received signal.
//
// Pure. SIGCHLD is not in this table: it only wakes the loop, which reaps after each wake-up.
#pragma once

#include <csignal>
#include <map>
#include <vector>

#include "walwrap/os/signals.hpp"

namespace walwrap::supervisor {

enum class SignalAnswer {
  Ignore,
  Forward,  // to the app's main process
  Stop,     // a stop begins, or is requested again
  Suspend,  // job control: stop the app, then walwrap
  Resume,   // undo that, or forward if there was none
};

enum class SignalStage {
  BeforeApp,  // no app to forward to
  Running,
  Stopping,
};

struct SignalContext {
  SignalStage stage = SignalStage::Running;
  bool pid_1 = false;  // or no shell could continue walwrap after a stop
};

// The user's settings for signals.
struct SignalRules {
  std::vector<int> stop = {SIGTERM, SIGINT};  // begin a stop
  std::map<int, int> rewrite = {};            // received -> what the app gets; 0: no signal
  bool is_stop(int number) const;
  int in_place_of(int number) const;
};

SignalAnswer classify_signal(const os::ReceivedSignal& signal, const SignalContext& context,
                             const SignalRules& rules = {});

}  // namespace walwrap::supervisor
