// A replica in a directory: `file:///dir`.
//
// put() writes a temporary file, fsyncs, sets the modification time, links it to the final name (so
// that an existing object is never overwritten) and fsyncs the directory. On a file system without
// hard links, CreateOnly uses renameat2(RENAME_NOREPLACE) instead. If that does not work either, as
// in a mounted bucket, it checks and renames, and create_only() then says so. Temporary names end
// in ".tmp-<random>", and every reader ignores them. When the store is opened for writing,
// temporary files of crashes older than an hour are removed. Dot files and lost+found are ignored
// too.
//
// The store is bound to one directory by device and inode. Only the first put of a store that was
// opened to create makes a missing root. A missing root is Unavailable, also for a put. Another
// directory in its place is Invalid until rebind() is called. The caller of rebind() must check its
// content.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "walwrap/os/atomic_file.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

class FileStore : public ObjectStore {
 public:
  // Errors: Invalid (not a directory), Denied, Unavailable (the root is missing, or for Create its
  // parent: a volume that is not mounted).
  static Result<std::unique_ptr<FileStore>> open(const os::Path& root, Access access);

  Result<void> put(const std::string& key, const Body& body, const PutOptions& options) override;
  Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                       const std::string& start_after) override;
  Result<void> remove(const std::string& key) override;
  CreateOnly create_only() const override { return create_only_; }
  Result<Place> rebind() override;
  std::string describe() const override;

 private:
  FileStore(os::Path root, Access access, std::optional<os::FileId> id)
      : root_(std::move(root)), access_(access), root_id_(id) {}
  // Whether there is a root: false only before the first put of a store that creates it.
  Result<bool> find_root();
  Result<void> make_root();
  Result<void> require_write(const std::string& key) const;
  Result<void> require_parent(const std::string& key);
  // NotFound if the root exists, else what is wrong with the root.
  Failure not_found(const std::string& key);
  Result<os::AtomicFile> create_temporary(const std::string& key);
  Result<void> list_into(const std::string& directory, int depth, const std::string& prefix,
                         const std::string& start_after, std::vector<ObjectInfo>& found);

  os::Path root_;
  Access access_;
  std::optional<os::FileId> root_id_;  // none: no root so far
  CreateOnly create_only_ = CreateOnly::NotKnown;
  std::set<std::string> known_parents_;  // made durable by this instance
  ByteVector buffer_;
};

}  // namespace walwrap::storage
