// How many processes the control group's OOM killer has ended.
//
// Source: the kernel's cgroup-v2.rst (memory.events, "oom_kill") and cgroup-v1/memory.rst
// (memory.oom_control, the same key). Both are looked for where /proc/self/cgroup says, and at the
// root of the mount, which is where a container without a namespace of its own finds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "walwrap/os/error.hpp"

namespace walwrap::os {

// Pure: the files that may hold the count, best first, from the text of /proc/self/cgroup.
std::vector<Path> oom_kill_files(std::string_view cgroup);
// Pure: the count in such a file; nullopt: it has none.
std::optional<std::uint64_t> parse_oom_kills(std::string_view text);
// How many processes were killed so far; nullopt: this machine does not say.
std::optional<std::uint64_t> count_oom_kills();

}  // namespace walwrap::os
