// The words after "walwrap" -> what is asked for. Pure.
//
// `walwrap [options] -- command [args...]` runs an app; options end at "--" or at the first word
// that is no option, and what follows is never looked at. Every other command is the first word.
// Names of commands that are reserved for later versions are refused, never run as programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/cli/ask_args.hpp"
#include "walwrap/cli/moment.hpp"
#include "walwrap/config/config.hpp"

namespace walwrap::cli {

// Exit codes of our own; docs/operations.md explains each. `run` fails with Configuration, every
// other command with the rest.
inline constexpr int kExitNotSo = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;
inline constexpr int kExitDamaged = 4;
inline constexpr int kExitConfiguration = 125;
// For a failure of a command other than `run`.
int exit_code_of(Code code);

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
  std::optional<Moment> timestamp;
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

Arguments parse_arguments(const std::vector<std::string>& words);

// What --help prints; empty for a topic that is no command.
std::string format_help(std::string_view topic);

}  // namespace walwrap::cli
