// The file that a path leads to: all symbolic links followed, the last one too, and also one whose
// target does not exist yet.
//
// SQLite follows a database's links before it names the -wal and the -shm, so these are beside the
// target and never beside the link. Code that watches, restores or renames a database needs the
// same path.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

// As many as the kernel follows in one path.
inline constexpr int kMostLinks = 40;

// Absolute, without links, "." and "..". Components that do not exist, or may not be looked at,
// stay as they are. Errors: Invalid (more links than kMostLinks: they lead in a circle).
Result<Path> resolve_path(const Path& path);

// Whether something is mounted exactly at this path, as `docker run -v ./app.db:/data/app.db` does:
// such a file can be written, but not renamed or replaced. False also where it cannot be told.
bool is_mount_point(const Path& path);
// Of /proc/self/mountinfo, for is_mount_point(). Source: proc_pid_mountinfo(5).
bool names_mount_point(std::string_view mountinfo, std::string_view path);

}  // namespace walwrap::os
