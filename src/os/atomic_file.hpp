// A file that appears under its name whole and durable, or not at all (Law 4): written to a
// temporary name beside it, fsync, rename or link, fsync of the directory. Dropping it without
// commit() removes the temporary file.
#pragma once

#include <cstdint>
#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

class AtomicFile {
 public:
  // The temporary name is "<final>.tmp-<random>"; its directory must exist.
  static Result<AtomicFile> create(const Path& final_path, std::uint32_t mode = 0600);
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;
  ~AtomicFile();

  Result<void> write(ByteSpan bytes);  // appends
  Result<void> set_modified(WallTime time);
  Result<void> set_owner(const FileOwner& owner);
  Bytes written() const { return written_; }

  enum class Publish {
    Replace,  // rename over whatever is there
    // link, or rename without replacing: Exists if something is there, which is left untouched. On
    // a file system that has neither, a look and a rename; see created_after_look().
    CreateNew,
  };
  Result<void> commit(Publish how);
  // After CreateNew: only a look kept it from replacing another file, and two that look at once
  // both find nothing.
  bool created_after_look() const { return created_after_look_; }

 private:
  AtomicFile(File file, Path temporary, Path final_path);
  void discard();
  std::optional<File> file_;
  Path temporary_;
  Path final_;
  Bytes written_ = 0;
  bool created_after_look_ = false;
};

}  // namespace walwrap::os
