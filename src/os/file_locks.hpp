// Which process holds which byte-range lock on a file, as the kernel lists it. Stateless.
//
// The file itself is not touched: fcntl would need a descriptor, and closing it would drop this
// process's own locks (Law 1). Source: proc_locks(5), and locks_show in the kernel's fs/locks.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/process.hpp"

namespace walwrap::os {

struct FileLock {
  // nullopt: the kernel does not say, because the lock belongs to an open file and not to a
  // process. A lock of a process in another pid namespace is not listed at all.
  std::optional<Pid> holder;
  std::string device;  // as the kernel prints it, "08:01"; on btrfs not what stat(2) says
  std::uint64_t inode = 0;
  Bytes first = 0;
  Bytes last = 0;  // inclusive; the largest value: to the end of the file
  bool operator==(const FileLock&) const = default;
};

// The held locks on byte ranges (POSIX and OFDLCK), in the order of `text`, the content of
// /proc/locks. Other kinds of lines are left out, and so are waiting requests for a lock.
std::vector<FileLock> parse_file_locks(std::string_view text);

// Of all processes that this one can see. Errors as of read_file: a sandbox may have no such list.
Result<std::vector<FileLock>> read_file_locks();

}  // namespace walwrap::os
