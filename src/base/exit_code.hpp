// walwrap's own exit codes; docs/operations.md explains each. `run` fails with Configuration, every
// other command with the others.
#pragma once

#include "walwrap/base/result.hpp"

namespace walwrap {

inline constexpr int kExitNotSo = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;
inline constexpr int kExitDamaged = 4;
inline constexpr int kExitConfiguration = 125;
// For a failure of a command other than `run`.
int exit_code_of(Code code);

}  // namespace walwrap
