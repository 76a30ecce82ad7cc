// Memory that a process has mapped and no longer needs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "walwrap/base/types.hpp"

namespace walwrap::os {

struct Mapping {
  std::uintptr_t address = 0;
  Bytes size = 0;
  auto operator<=>(const Mapping&) const = default;
};

// Of the text of /proc/<pid>/smaps (proc(5)): mappings of files that are not writable and of which
// no page differs from the file. The kernel reads such a page again when it is touched. Pure.
std::vector<Mapping> untouched_files(std::string_view smaps);

// Unmaps their pages, most of them read once by the dynamic linker. For a process that lives long
// and does little. Nothing happens where /proc does not tell.
void give_back_untouched_files();

// What was freed and is kept for the next time.
void give_back_freed();

}  // namespace walwrap::os
