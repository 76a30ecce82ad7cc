// Whether another walwrap that was started for the same database takes over from this one. Pure.
//
// The newcomer asks on the Unix socket, so it has access to this disk and to this user's files.
// What it may not do is end the service by accident: a one-off command has the same entrypoint.
// A new version of the service runs the same command. Anything else has to say so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/types.hpp"

namespace walwrap::control {

// The command of a walwrap's app, as another walwrap learns it.
struct AppCommand {
  std::string text;      // as a shell would take it; cut, for people
  std::uint64_t id = 0;  // equal for equal commands
};
AppCommand describe_command(const std::vector<std::string>& words);

struct Newcomer {
  AppCommand command;
  bool takes_over = false;  // --take-over
  bool asks_only = false;   // whether it would be given the database
};

struct Owner {
  AppCommand command;
  std::string host;  // its name; in a container, usually the container's id
  WallTime since{};
};

// nullopt: the owner hands over. Else why it does not, and what to type.
std::optional<std::string> refuse_handover(const Owner& owner, const Newcomer& newcomer);

}  // namespace walwrap::control
