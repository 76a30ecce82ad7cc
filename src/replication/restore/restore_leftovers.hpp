// Files that killed restores leave beside the database. They have its full size and must be removed
// before the next restore needs the space.
//
// A restore holds a lock on its temporary file, and the kernel releases it when the process dies.
// So a file with such a name that can be locked is unused.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

// "<output's name>.walwrap-restore-<16 hex digits>"; the digits are `random`.
std::string temporary_restore_name(const os::Path& output, std::uint64_t random);
// Where a start restores to, before the database gets its place.
os::Path incoming_path(const os::Path& database);

// Whether a file with this name beside `database` is a restore's temporary file: of a restore of
// that file, of a start, or of `walwrap restore --force`. Pure.
bool is_temporary_restore(const os::Path& database, std::string_view name);

// Removes the unused ones. Returns how many; ignores those that it cannot remove.
int remove_restore_leftovers(const os::Path& database);

}  // namespace walwrap::replication
