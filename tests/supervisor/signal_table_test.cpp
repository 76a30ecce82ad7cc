#include "walwrap/supervisor/signal_table.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "walwrap/base/signal_name.hpp"

namespace walwrap::supervisor {
namespace {

using Answer = SignalAnswer;

enum class From { Process, Kernel };
struct SignalRow {
  int number;
  From from;
  bool pid_1;
  Answer before_app;
  Answer running;
  Answer stopping;
};

TEST_CASE("each signal has one action before, beside and after the app") {
  const SignalRow rows[] = {
      {SIGTERM, From::Process, true, Answer::Stop, Answer::Stop, Answer::Stop},
      {SIGINT, From::Process, true, Answer::Stop, Answer::Stop, Answer::Stop},
      {SIGINT, From::Kernel, true, Answer::Stop, Answer::Stop, Answer::Stop},
      {SIGHUP, From::Process, true, Answer::Forward, Answer::Forward, Answer::Forward},
      {SIGHUP, From::Kernel, true, Answer::Stop, Answer::Stop, Answer::Ignore},
      {SIGQUIT, From::Process, true, Answer::Stop, Answer::Forward, Answer::Forward},
      {SIGUSR1, From::Process, true, Answer::Forward, Answer::Forward, Answer::Forward},
      {SIGUSR2, From::Process, true, Answer::Forward, Answer::Forward, Answer::Forward},
      {SIGWINCH, From::Kernel, true, Answer::Forward, Answer::Forward, Answer::Forward},
      {SIGALRM, From::Process, true, Answer::Forward, Answer::Forward, Answer::Forward},
      {SIGRTMIN + 3, From::Process, true, Answer::Forward, Answer::Forward, Answer::Forward},
      {SIGTSTP, From::Process, true, Answer::Forward, Answer::Forward, Answer::Ignore},
      {SIGTTIN, From::Process, true, Answer::Ignore, Answer::Ignore, Answer::Ignore},
      {SIGTTOU, From::Process, true, Answer::Ignore, Answer::Ignore, Answer::Ignore},
      {SIGTSTP, From::Kernel, false, Answer::Suspend, Answer::Suspend, Answer::Ignore},
      {SIGTTIN, From::Kernel, false, Answer::Suspend, Answer::Suspend, Answer::Ignore},
      {SIGTTOU, From::Kernel, false, Answer::Suspend, Answer::Suspend, Answer::Ignore},
      {SIGCONT, From::Process, false, Answer::Resume, Answer::Resume, Answer::Resume},
      {SIGCHLD, From::Kernel, true, Answer::Ignore, Answer::Ignore, Answer::Ignore},
      {SIGPIPE, From::Process, true, Answer::Ignore, Answer::Ignore, Answer::Ignore},
      {SIGSEGV, From::Process, true, Answer::Ignore, Answer::Ignore, Answer::Ignore},
      {SIGABRT, From::Process, true, Answer::Ignore, Answer::Ignore, Answer::Ignore},
  };
  for (const SignalRow& row : rows) {
    const os::ReceivedSignal signal{.number = row.number, .from_kernel = row.from == From::Kernel};
    CAPTURE(format_signal(row.number));
    CAPTURE(signal.from_kernel);
    const auto answer = [&](SignalStage stage) {
      return classify_signal(signal, {.stage = stage, .pid_1 = row.pid_1});
    };
    CHECK(answer(SignalStage::BeforeApp) == row.before_app);
    CHECK(answer(SignalStage::Running) == row.running);
    CHECK(answer(SignalStage::Stopping) == row.stopping);
  }
}

TEST_CASE("the stop signals and the app's replacement signals are configurable") {
  const SignalRules rules{.stop = {SIGQUIT, SIGRTMIN + 3},
                          .rewrite = {{SIGQUIT, SIGTERM}, {SIGHUP, 0}}};
  const auto answer = [&](int number, SignalStage stage) {
    return classify_signal({.number = number}, {.stage = stage, .pid_1 = true}, rules);
  };
  CHECK(answer(SIGQUIT, SignalStage::Running) == Answer::Stop);
  CHECK(answer(SIGRTMIN + 3, SignalStage::Running) == Answer::Stop);
  CHECK(answer(SIGTERM, SignalStage::Running) == Answer::Forward);
  CHECK(answer(SIGINT, SignalStage::Stopping) == Answer::Forward);
  CHECK(answer(SIGTERM, SignalStage::BeforeApp) == Answer::Stop);
  CHECK(rules.in_place_of(SIGQUIT) == SIGTERM);
  CHECK(rules.in_place_of(SIGHUP) == 0);
  CHECK(rules.in_place_of(SIGUSR1) == SIGUSR1);
}

}  // namespace
}  // namespace walwrap::supervisor
