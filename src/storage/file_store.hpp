// A replica in a directory: `file:///dir`.
//
// put() writes a temporary name, fsyncs, sets the modification time, links to the final name (so
// that an existing one is never overwritten) and fsyncs the directory. Where the file system has
// no hard links, CreateOnly falls back to renameat2(RENAME_NOREPLACE), and where it has not even
// that, as a mounted bucket, to a look and a rename: create_only() says so then. Temporary names
// end in ".tmp-<random>" and are ignored by every reader; those a crash left behind and that are
// older than an hour are removed by an open() for writing. Dot files and lost+found are ignored
// too.
//
// The store is bound to one directory, by device and inode, and a missing root is made by nothing
// but the first put of a store that was opened to create it. A missing root is Unavailable,
// also for a put; another directory in its place is Invalid until rebind() is called. A
// caller of that looks at what is in it.
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
  // Errors: Invalid (not a directory), Denied, Unavailable (a root that is not there, or, to create
  // it, its parent: a volume that is not mounted).
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
  // Whether there is one: false only before the first put of a store that creates it.
  Result<bool> find_root();
  Result<void> make_root();
  Result<void> require_write(const std::string& key) const;
  Result<void> require_parent(const std::string& key);
  // NotFound if the root is there to say so, else what is wrong with the root.
  Failure not_found(const std::string& key);
  Result<os::AtomicFile> create_temporary(const std::string& key);
  Result<void> list_into(const std::string& directory, int depth, const std::string& prefix,
                         const std::string& start_after, std::vector<ObjectInfo>& found);

  os::Path root_;
  Access access_;
  std::optional<os::FileId> root_id_;  // none: there has been no root yet
  CreateOnly create_only_ = CreateOnly::NotKnown;
  std::set<std::string> known_parents_;  // made durable by this instance
  ByteVector buffer_;
};

}  // namespace walwrap::storage
