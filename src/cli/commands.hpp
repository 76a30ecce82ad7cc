// What each command does. execute() returns the exit code of the process.
#pragma once

#include <string>
#include <vector>

#include "walwrap/cli/arguments.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/inherited.hpp"
#include "walwrap/os/signals.hpp"

namespace walwrap::cli {

// What main() found at its start.
struct Process {
  const os::SignalState& signals;        // as inherited; all are blocked by now
  os::Inherited& inherited;              // descriptors and directory
  std::vector<std::string> environment;  // "NAME=value"
  const os::Clock& clock;
};

int execute(const RunArguments& arguments, const Process& process);
int execute(const RestoreArguments& arguments, const Process& process);
int execute(const DoctorArguments& arguments, const Process& process);
int execute(const AskArguments& arguments, const Process& process);
int execute(const HelpArguments& arguments, const Process& process);
int execute(const VersionArguments& arguments, const Process& process);
int execute(const UsageError& error, const Process& process);

}  // namespace walwrap::cli
