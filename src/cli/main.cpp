// The table of contents: what the process does first, what was requested, and which function does
// it.
#include <exception>
#include <string>
#include <variant>

#include "walwrap/cli/args.hpp"
#include "walwrap/cli/commands.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/console.hpp"
#include "walwrap/os/crash_handler.hpp"
#include "walwrap/os/inherited.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/os/signals.hpp"

using namespace walwrap;

namespace {

int run(const os::SignalState& signals, const std::vector<std::string>& words) {
  const auto descriptors = os::fill_standard_descriptors();
  if (!descriptors) {
    os::write_stderr("walwrap: " + descriptors.error().text + "\n");
    return kExitConfiguration;
  }
  auto inherited = os::Inherited::capture();
  const os::SystemClock clock;
  const cli::Process process{signals, inherited, os::all_environment(), clock};
  const auto asked = cli::parse_arguments(words);
  return std::visit([&](const auto& arguments) { return cli::execute(arguments, process); }, asked);
}

}  // namespace

int main(int argc, char** argv) {
  const auto signals = os::SignalState::capture_and_block();  // Law 2: before anything else
  os::install_crash_handler();
  try {
    return run(signals, {argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& bug) {
    os::write_stderr(std::string("walwrap: a bug: ") + bug.what() + "\n");
    return kExitConfiguration;
  }
}
