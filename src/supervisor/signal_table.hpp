// What a received signal asks of init.
//
// Pure. SIGCHLD is no question for this table: it only wakes the loop, which reaps after each wake.
#pragma once

#include <csignal>
#include <map>
#include <vector>

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
  bool pid_1 = false;  // or like it: no shell could bring us back after a stop
};

// What the user may say about it.
struct SignalRules {
  std::vector<int> stop = {SIGTERM, SIGINT};  // begin a stop
  std::map<int, int> rewrite = {};            // received -> what the app gets; 0: nothing
  bool is_stop(int number) const;
  int in_place_of(int number) const;
};

SignalAnswer classify_signal(const os::ReceivedSignal& signal, const SignalContext& context,
                             const SignalRules& rules = {});

}  // namespace walwrap::supervisor
