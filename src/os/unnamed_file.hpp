// A mapped file without a name: nobody sees it, and it is gone with the object. In the file system
// of a directory, or, where that has no such files (or no such directory is there), in memory.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/mapped_file.hpp"

namespace walwrap::os {

// Empty. Changes nothing that anybody can see, not even the directory's times.
Result<MappedFile> open_unnamed(const Path& directory);

}  // namespace walwrap::os
