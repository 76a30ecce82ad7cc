// A replica in a directory: `file:///dir`.
//
// put() writes a temporary name, fsyncs, sets the modification time, links to the final name (so
// that an existing one is never overwritten) and fsyncs the directory. Where the file system has
// no hard links, CreateOnly falls back to renameat2(RENAME_NOREPLACE). Temporary names end in
// ".tmp-<random>" and are ignored by every reader; those a crash left behind and that are older
// than an hour are removed by open(). Dot files and lost+found are ignored too.
//
// "Not there" is an answer only while the root is the directory that was opened: an empty one in
// its place is a volume that is not mounted, hence Unavailable.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "walwrap/os/atomic_file.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

class FileStore : public ObjectStore {
 public:
  // The directory is created if its parent exists. Errors: Invalid (not a directory), Denied,
  // Unavailable (the parent does not exist: a volume that is not mounted).
  static Result<std::unique_ptr<FileStore>> open(const os::Path& root);

  Result<void> put(const std::string& key, const Body& body, const PutOptions& options) override;
  Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                       const std::string& start_after) override;
  Result<void> remove(const std::string& key) override;
  CreateOnly create_only() const override { return CreateOnly::Atomic; }
  std::string describe() const override;

 private:
  FileStore(os::Path root, os::FileId id) : root_(std::move(root)), root_id_(id) {}
  Result<void> require_root();
  Result<void> require_parent(const std::string& key);
  // NotFound if the root is there to say so, else what is wrong with the root.
  Failure not_found(const std::string& key);
  Result<os::AtomicFile> create_temporary(const std::string& key);
  Result<void> list_into(const std::string& directory, int depth, const std::string& prefix,
                         const std::string& start_after, std::vector<ObjectInfo>& found);

  os::Path root_;
  os::FileId root_id_;
  std::set<std::string> known_parents_;  // made durable by this instance
  ByteVector buffer_;
};

}  // namespace walwrap::storage
