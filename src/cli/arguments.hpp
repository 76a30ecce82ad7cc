// What the words after "walwrap" ask for, one struct for each command.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "walwrap/base/exit_code.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/cli/ask_args.hpp"
#include "walwrap/cli/timestamp_arg.hpp"
#include "walwrap/config/config.hpp"

namespace walwrap::cli {

struct RunArguments {
  std::vector<config::FlagValue> flags;
  std::vector<std::string> command;  // never empty
};

enum class IfPresent {
  Refuse,
  Keep,      // --if-absent: there is one, so there is nothing to do
  SetAside,  // --force: the one that is there gets another name
};

struct RestoreArguments {
  std::string replica;
  std::string output;
  std::string ca_file;  // "": what the environment names, or the system's roots
  std::optional<Txid> txid;
  std::optional<TimestampArg> timestamp;
  bool quiet = false;  // no progress, and no word of success
  IfPresent if_present = IfPresent::Refuse;
  config::Integrity integrity = config::Integrity::Quick;
};

struct DoctorArguments {
  std::vector<config::FlagValue> flags;  // those of run
  bool json = false;
};

struct HelpArguments {
  std::string topic;  // "": all; else a command
};

struct VersionArguments {};

struct UsageError {
  std::string text;
  int exit_code = kExitUsage;
};

using Arguments = std::variant<RunArguments, RestoreArguments, DoctorArguments, AskArguments,
                               HelpArguments, VersionArguments, UsageError>;

}  // namespace walwrap::cli
