#include "walwrap/os/new_directories.hpp"

#include <utility>

#include "walwrap/os/rights.hpp"

namespace walwrap::os {

Result<NewDirectories> NewDirectories::make(const Path& path, std::uint32_t mode,
                                            const std::optional<FileOwner>& owner) {
  NewDirectories directories;
  const auto whose = owner ? owner : owner_of_new_directory(path);
  Path reached;
  for (const Path& part : path) {
    reached /= part;
    if (part.empty() || os::exists(reached)) continue;
    TRY(make_directories(reached, mode, whose));
    directories.made_.push_back(reached);
  }
  return directories;
}

NewDirectories::~NewDirectories() {
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) {
    ignore(remove_empty_directory(*made), "something was created in it meanwhile");
  }
}

}  // namespace walwrap::os
