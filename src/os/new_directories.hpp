// Directories made for something that may still fail: unless they are kept, those that were made
// are removed again, so that a start that is refused leaves nothing behind.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

class NewDirectories {
 public:
  // Makes what is missing of `path`. Without `owner`, root gives it to the owner of the directory
  // that it is made in.
  static Result<NewDirectories> make(const Path& path, std::uint32_t mode,
                                     const std::optional<FileOwner>& owner);
  NewDirectories(NewDirectories&&) = default;
  NewDirectories& operator=(NewDirectories&&) = delete;
  ~NewDirectories();  // removes them, if they are empty
  void keep() { made_.clear(); }

 private:
  NewDirectories() = default;
  std::vector<Path> made_;  // outermost first
};

}  // namespace walwrap::os
