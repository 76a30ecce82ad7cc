// Signals as the process inherited them, blocked before anything else, and read from one
// descriptor.
//
// `SignalState::capture_and_block` is the first thing main() does. What it remembers is what the
// app gets (Law 2). Everything is blocked except the synchronous faults.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

// Every signal except the synchronous faults (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS), which would
// kill a process that blocks them in silence.
sigset_t blockable_signals();

class SignalState {
 public:
  // Remembers the inherited mask and ignored set, blocks everything but faults, resets SIGCHLD to
  // default (an ignored one would make waiting hang) and ignores SIGPIPE for ourselves.
  static SignalState capture_and_block();

  // For the app between fork and exec: ignored set, default handlers and, last, the mask, exactly
  // as inherited. Async-signal-safe.
  void restore_in_child() const;

 private:
  sigset_t mask_{};
  std::uint64_t ignored_ = 0;  // bit n-1: signal n was ignored
};

struct ReceivedSignal {
  int number = 0;
  bool from_kernel = false;  // SI_KERNEL: a terminal's Ctrl-C or hang-up
  std::int32_t sender = 0;   // pid, 0 if from the kernel or another namespace
};

// All signals that are blocked, from one signalfd.
class SignalReader {
 public:
  static Result<SignalReader> create();
  std::vector<ReceivedSignal> take();  // never blocks
  int descriptor() const { return fd_.get(); }

 private:
  explicit SignalReader(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace walwrap::os
