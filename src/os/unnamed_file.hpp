// A mapped file without a name: no other process sees it, and it ends with the object. In the file
// system of a directory, or in memory if that cannot have such files (or the directory does not
// exist).
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/mapped_file.hpp"

namespace walwrap::os {

// Empty. Changes nothing that others can see, not even the directory's times.
Result<MappedFile> open_unnamed(const Path& directory);

}  // namespace walwrap::os
