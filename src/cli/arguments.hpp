// The arguments of each command: one struct per command.
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
  bool beside = false;               // run-beside: another walwrap has the database, and keeps it
};

enum class IfPresent {
  Refuse,
  Keep,      // --if-absent: the file exists, so there is nothing to do
  SetAside,  // --force: the existing file gets another name
};

struct RestoreArguments {
  std::string replica;
  std::string output;
  std::string ca_file;  // "": from the environment, or the system's certificates
  std::optional<Txid> txid;
  std::optional<TimestampArg> timestamp;
  bool quiet = false;  // no progress and no message of success
  IfPresent if_present = IfPresent::Refuse;
  config::Integrity integrity = config::Integrity::Quick;
};

struct DoctorArguments {
  std::vector<config::FlagValue> flags;  // those of run
  bool json = false;
};

struct HelpArguments {
  std::string topic;  // "": everything; else a command
};

struct VersionArguments {};

struct UsageError {
  std::string text;
  int exit_code = kExitUsage;
};

using Arguments = std::variant<RunArguments, RestoreArguments, DoctorArguments, AskArguments,
                               HelpArguments, VersionArguments, UsageError>;

}  // namespace walwrap::cli
