// Whether a file is still the one that was seen before, and still unchanged. Stateless; opens
// nothing (Law 1).
#pragma once

#include <chrono>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

// Times as the kernel has them, since 1970. It may take them from a clock that ticks every few
// milliseconds, so two writes within one tick can leave the same stamp.
struct FileStamp {
  FileId id{};
  Bytes size = 0;
  std::chrono::nanoseconds written{0};  // the content
  std::chrono::nanoseconds changed{0};  // anything: content, rights, names
  bool operator==(const FileStamp&) const = default;
};

// Follows symbolic links. Errors as of status_of.
Result<FileStamp> stamp_of(const Path& path);
// Of the file with exactly this name, even if it is a link.
Result<FileStamp> stamp_at(const Path& path);

// True: some descriptor of this process is of this file, whatever name it was opened by and whether
// that name is still there. Errors as of list_directory: /proc may be missing.
Result<bool> has_open(const FileId& file);

}  // namespace walwrap::os
