// Regular files that processes have open, as /proc tells.
//
// For processes with rights that this process lacks, the kernel shows nothing, so there are no
// files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/process.hpp"

namespace walwrap::os {

struct OpenFile {
  Pid pid;
  int descriptor = 0;
  Path path;  // as that process sees it
  FileId id;
};

// Not those that have been removed.
std::vector<OpenFile> open_files(Pid pid);

// A descriptor of this process that has the file open. nullopt: none, or /proc
// does not tell.
std::optional<int> find_descriptor(const FileId& id);

// The first bytes of the file. Law 1: a process that opens a file and closes it drops all POSIX
// locks that it has on the file. So a file that this process has open as well is left alone: Busy.
// If this process opened it meanwhile, the new descriptor is kept.
Result<std::string> read_start(const OpenFile& file, std::size_t bytes);

// Every process below this one's parent, without this process and its descendants.
std::vector<Pid> other_descendants_of_parent();

}  // namespace walwrap::os
