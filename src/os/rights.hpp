// The owner and mode of a new file that takes the place of another one.
//
// The app must be able to use a restored database, and walwrap often does not know the app's user:
// root starts walwrap, and a script below it changes the user. The existing files show it: the file
// that is replaced, or the directory for the new file.
#pragma once

#include <cstdint>
#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

struct FileRights {
  std::optional<FileOwner> owner;     // none: this process's
  std::optional<std::uint32_t> mode;  // none: what the umask leaves
  bool operator==(const FileRights&) const = default;
};

// The user who asks: only root may give files to another owner.
enum class Asking { Root, User };

// Decides from these facts alone. The owner and the read and write bits are those of the replaced
// file, if there is one, else of the directory, but a file is never writable for everybody. A
// user's own new file takes nothing from the directory.
FileRights plan_rights(const std::optional<FileStatus>& replaced, const FileStatus& directory,
                       Asking asking);

// For a new file at `path`, also if that is a file to be replaced.
FileRights rights_at(const Path& path);
// `owner`, if there is one, goes before what `rights` say. Law 1: opens the file, which must not be
// one that a connection of this process has open.
Result<void> give_rights(const Path& path, const FileRights& rights,
                         const std::optional<FileOwner>& owner);
// How many names the file has; above 1 there are hard links. 0: it is not there.
std::uint64_t count_names(const Path& path);
// For a new directory: the owner of the nearest existing one above it. None: this process's.
std::optional<FileOwner> owner_of_new_directory(Path path);

}  // namespace walwrap::os
