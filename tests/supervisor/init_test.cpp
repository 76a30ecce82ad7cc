#include "walwrap/supervisor/init.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "walwrap/os/process.hpp"

namespace walwrap::supervisor {
namespace {

// Runs init as a process of its own, as it blocks signals and reaps; gives its exit status.
int status_of_life(std::vector<std::string> command,
                   std::function<int(Channel, AtFork, std::uint64_t)> replicator = {}) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto signals = os::SignalState::capture_and_block();
    os::Inherited inherited;  // nothing: the test needs its descriptors
    const os::SystemClock clock;
    const Log log({.minimum = LogLevel::Error,
                   .now = [] { return WallTime{}; },
                   .sink = [](std::string_view) {}});
    InitOptions options;
    options.command = std::move(command);
    options.environment = os::all_environment();
    options.platform.grace = std::chrono::seconds(5);
    options.replicator_main = std::move(replicator);
    ::_exit(run_init(options, {signals, inherited}, clock, log));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("without a replica the container's status is the app's") {
  CHECK(status_of_life({"/bin/sh", "-c", "exit 0"}) == 0);
  CHECK(status_of_life({"/bin/sh", "-c", "exit 7"}) == 7);
  CHECK(status_of_life({"/bin/sh", "-c", "kill -KILL $$"}) == 137);
}

TEST_CASE("a missing command exits with 127, and one that cannot be executed with 126") {
  CHECK(status_of_life({"/no/such/command"}) == 127);
  CHECK(status_of_life({"/etc/passwd"}) == 126);
}

TEST_CASE("a refusing replicator prevents the start of the app") {
  const auto refuse = [](Channel channel, AtFork, std::uint64_t) {
    ReplicatorReport report;
    report.kind = Report::Refused;
    report.exit_code = 125;
    report.text = "no";
    return channel.send(encode(report)) ? 0 : 1;
  };
  CHECK(status_of_life({"/bin/sh", "-c", "exit 0"}, refuse) == 125);
}

}  // namespace
}  // namespace walwrap::supervisor
