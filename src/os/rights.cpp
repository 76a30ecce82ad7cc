#include "walwrap/os/rights.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "walwrap/os/process.hpp"

namespace walwrap::os {
namespace {

constexpr std::uint32_t kReadWrite = 0666, kPermissions = 0777;
constexpr std::uint32_t kOwnersReadWrite = 0600, kWrittenByAll = 0002;

Asking asking() {
  return own_user_id() == 0 ? Asking::Root : Asking::User;
}

}  // namespace

FileRights plan_rights(const std::optional<FileStatus>& replaced, const FileStatus& directory,
                       Asking asking) {
  const bool is_root = asking == Asking::Root;
  if (replaced && replaced->type == FileType::Regular) {
    return {.owner = is_root ? std::optional(replaced->owner) : std::nullopt,
            .mode = (replaced->mode & kPermissions) | kOwnersReadWrite};
  }
  if (!is_root || directory.type != FileType::Directory) return {};
  return {.owner = directory.owner,
          .mode = (directory.mode & kReadWrite & ~kWrittenByAll) | kOwnersReadWrite};
}

FileRights rights_at(const Path& path) {
  const auto replaced = status_of(path);
  const auto directory = status_of(directory_of(path));
  if (!directory) return {};
  return plan_rights(replaced ? std::optional(*replaced) : std::nullopt, *directory, asking());
}

Result<void> give_rights(const Path& path, const FileRights& rights,
                         const std::optional<FileOwner>& owner) {
  auto file = TRY(File::open(path, File::Open::ReadWrite));
  // The owner first: a change of the owner may take mode bits away.
  if (owner) {
    TRY(file.set_owner(*owner));
  } else if (rights.owner) {
    ignore(file.set_owner(*rights.owner), "root without CAP_CHOWN; no owner was requested");
  }
  if (rights.mode && ::fchmod(file.descriptor(), *rights.mode) != 0) {
    return errno_failure("fchmod", "", errno);
  }
  return {};
}

std::uint64_t count_names(const Path& path) {
  struct stat raw {};
  return ::stat(path.c_str(), &raw) == 0 ? raw.st_nlink : 0;
}

std::optional<FileOwner> owner_of_new_directory(Path path) {
  if (asking() != Asking::Root) return std::nullopt;
  while (!os::exists(path) && path.has_parent_path() && path != path.parent_path()) {
    path = path.parent_path();
  }
  const auto status = status_of(path);
  return status ? std::optional(status->owner) : std::nullopt;
}

}  // namespace walwrap::os
