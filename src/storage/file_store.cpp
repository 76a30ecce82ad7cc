#include "walwrap/storage/file_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "walwrap/os/clock.hpp"

namespace walwrap::storage {
namespace {

// Large enough for few calls, and small enough for a core's cache.
constexpr std::size_t kChunkBytes = 256 << 10;
// A replica has four levels of directories. A loop of symbolic links ends here.
constexpr int kDeepest = 8;
// A replica has all data of the database, so only its owner may read it.
constexpr std::uint32_t kDirectoryMode = 0700;
constexpr std::uint32_t kFileMode = 0600;
constexpr std::string_view kTemporaryMark = ".tmp-";
constexpr std::chrono::hours kTemporaryAge{1};

// The codes that a store may return; see object_store.hpp.
Failure store_failure(Error error) {
  if (error.code == Code::Io) error.code = Code::Unavailable;
  if (error.code == Code::Unsupported) error.code = Code::Invalid;
  // A file in place of a directory. Exists would mean that the object exists.
  if (error.code == Code::Exists) error.code = Code::Invalid;
  return fail(std::move(error));
}

template <typename T>
Result<T> as_store_result(Result<T> result) {
  if (!result) return store_failure(result.error());
  return result;
}

bool is_temporary(std::string_view name) {
  return name.find(kTemporaryMark) != std::string_view::npos;
}
bool is_ignored(std::string_view name) {
  return name.starts_with('.') || name == "lost+found" || is_temporary(name);
}

// Every key that can be put can be listed, and none leads out of the root.
Result<void> check_key(std::string_view key) {
  std::string_view rest = key;
  while (true) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() || is_ignored(part) || part.find('\0') != std::string_view::npos) {
      return fail(Code::Invalid, "'{}' is not a valid object key for a directory", key);
    }
    if (part.size() == rest.size()) return {};
    rest.remove_prefix(part.size() + 1);
  }
}

// Exactly the names that AtomicFile gives: other files are not removed.
bool is_our_temporary(std::string_view name) {
  const auto mark = name.rfind(kTemporaryMark);
  return mark != std::string_view::npos && mark > 0 &&
         parse_hex16(name.substr(mark + kTemporaryMark.size())).has_value();
}

std::string parent_of(const std::string& key) {
  const auto slash = key.rfind('/');
  return slash == std::string::npos ? std::string() : key.substr(0, slash);
}

// Collects small pieces and writes them to a file in large ones.
class ChunkedWriter {
 public:
  ChunkedWriter(os::AtomicFile& file, ByteVector& buffer) : file_(file), buffer_(buffer) {
    buffer_.clear();
  }
  Result<void> write(ByteSpan bytes) {
    if (buffer_.size() + bytes.size() > kChunkBytes) TRY(flush());
    if (bytes.size() >= kChunkBytes) return as_store_result(file_.write(bytes));
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<void> flush() {
    if (buffer_.empty()) return {};
    TRY(as_store_result(file_.write(buffer_)));
    buffer_.clear();
    return {};
  }

 private:
  os::AtomicFile& file_;
  ByteVector& buffer_;
};

// Files that crashes left behind. Failures are ignored, because a read-only replica is valid too.
void remove_old_temporaries(const os::Path& directory, WallTime older_than, int depth) {
  const auto names = os::list_directory(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    const os::Path path = directory / name;
    // Plain objects are skipped: there may be thousands.
    const bool may_be_directory = name.find('.') == std::string::npos && name != "lost+found";
    if (!is_our_temporary(name) && !may_be_directory) continue;
    const auto status = os::status_of(path);
    if (!status) continue;
    if (status->type == os::FileType::Directory) {
      if (depth < kDeepest) remove_old_temporaries(path, older_than, depth + 1);
    } else if (status->type == os::FileType::Regular && is_our_temporary(name) &&
               status->modified < older_than) {
      ignore(os::remove_file(path), "the next start tries again");
    }
  }
}

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(const os::Path& root, Access access) {
  const auto status = os::status_of(root);
  if (!status && status.error().code == Code::NotFound) {
    if (access != Access::Create) {
      return fail(Code::Unavailable,
                  "the directory {} does not exist; check the path, and that its volume is mounted",
                  root.native());
    }
    const os::Path parent = root.parent_path();
    if (!parent.empty() && !os::exists(parent)) {
      return fail(Code::Unavailable, "{} does not exist; check that its volume is mounted",
                  parent.native());
    }
    return std::unique_ptr<FileStore>(new FileStore(root, access, std::nullopt));
  }
  if (!status) return store_failure(status.error());
  if (status->type != os::FileType::Directory) {
    return fail(Code::Invalid, "{} is not a directory", root.native());
  }
  if (access != Access::Read) {
    remove_old_temporaries(root, os::SystemClock().wall() - kTemporaryAge, 0);
  }
  return std::unique_ptr<FileStore>(new FileStore(root, access, status->id));
}

Result<bool> FileStore::find_root() {
  const auto status = os::status_of(root_);
  if (!status && status.error().code == Code::NotFound) {
    if (!root_id_) return false;
    return fail(Code::Unavailable, "{} no longer exists; check that its volume is mounted",
                root_.native());
  }
  if (!status) return store_failure(status.error());
  if (status->type != os::FileType::Directory) {
    return fail(Code::Invalid, "{} is no longer a directory", root_.native());
  }
  if (!root_id_) root_id_ = status->id;  // another thread was faster
  if (status->id == *root_id_) return true;
  return fail(Code::Invalid, "{} was replaced by another directory", root_.native());
}

Result<void> FileStore::make_root() {
  const bool is_there = TRY(find_root());
  if (is_there) return {};
  auto made = os::make_directory(root_, kDirectoryMode);
  if (!made && made.error().code == Code::NotFound) {
    return fail(Code::Unavailable, "{}; check that its volume is mounted", made.error().text);
  }
  TRY(as_store_result(std::move(made)));
  TRY(find_root());
  return {};
}

Result<Place> FileStore::rebind() {
  const auto status = os::status_of(root_);
  if (!status && status.error().code == Code::NotFound) {
    return fail(Code::Unavailable, "{} no longer exists; check that its volume is mounted",
                root_.native());
  }
  if (!status) return store_failure(status.error());
  if (status->type != os::FileType::Directory) {
    return fail(Code::Invalid, "{} is no longer a directory", root_.native());
  }
  if (root_id_ != status->id) known_parents_.clear();
  root_id_ = status->id;
  return Place{.device = status->id.device, .inode = status->id.inode};
}

Result<void> FileStore::require_write(const std::string& key) const {
  if (access_ != Access::Read) return {};
  return fail(Code::Denied, "{} is open for reading only: cannot write {}", root_.native(), key);
}

Failure FileStore::not_found(const std::string& key) {
  auto root = find_root();
  if (!root) return fail(root.error());
  return fail(Code::NotFound, "{} does not exist", (root_ / key).native());
}

// The directories down to a key's parent exist, and their names are on disk.
Result<void> FileStore::require_parent(const std::string& key) {
  const std::string parent = parent_of(key);
  if (known_parents_.contains(parent)) return {};
  os::Path reached = root_;
  for (const os::Path& part : os::Path(parent)) {
    const os::Path above = reached;
    reached /= part;
    TRY(as_store_result(os::make_directory(reached, kDirectoryMode)));
    // Also if it existed: its creator may have crashed before this.
    TRY(as_store_result(os::sync_directory(above)));
  }
  known_parents_.insert(parent);
  return {};
}

Result<os::AtomicFile> FileStore::create_temporary(const std::string& key) {
  TRY(make_root());
  const os::Path path = root_ / key;
  TRY(require_parent(key));
  auto file = os::AtomicFile::create(path, kFileMode);
  if (!file && file.error().code == Code::NotFound) {
    // The directory was removed since it was last used.
    known_parents_.clear();
    TRY(require_parent(key));
    file = os::AtomicFile::create(path, kFileMode);
  }
  return as_store_result(std::move(file));
}

Result<void> FileStore::put(const std::string& key, const Body& body, const PutOptions& options) {
  TRY(check_key(key));
  TRY(require_write(key));
  auto file = TRY(create_temporary(key));
  ChunkedWriter writer(file, buffer_);
  TRY(body([&](ByteSpan bytes) { return writer.write(bytes); }));
  TRY(writer.flush());
  if (options.timestamp) TRY(as_store_result(file.set_modified(*options.timestamp)));

  const bool is_new = options.mode == PutMode::CreateOnly;
  const auto committed =
      file.commit(is_new ? os::AtomicFile::Publish::CreateNew : os::AtomicFile::Publish::Replace);
  const bool settled = committed || committed.error().code == Code::Exists;
  if (is_new && settled) {
    create_only_ = file.created_after_look() ? CreateOnly::LookBefore : CreateOnly::Atomic;
  }
  if (committed) return {};
  const os::Path path = root_ / key;
  switch (committed.error().code) {
    case Code::Exists:
      // Perhaps it is this store's own, from an attempt that ended before its name was durable.
      TRY(as_store_result(os::sync_directory(path.parent_path())));
      return fail(Code::Exists, "{} already exists", path.native());
    case Code::NotFound:
      return fail(Code::Unavailable, "{}", committed.error().text);
    case Code::Unavailable:
    case Code::Io:
      // An existing name may be this store's own and not durable yet.
      if (os::exists(path)) return fail(Code::Unknown, "{}", committed.error().text);
      return fail(Code::Unavailable, "{}", committed.error().text);
    default:
      return store_failure(committed.error());
  }
}

Result<void> FileStore::get(const std::string& key, ByteRange range, const WriteFn& sink) {
  const ObjectInfo info = TRY(head(key));
  const os::Path path = root_ / key;
  auto opened = os::File::open(path, os::File::Open::ReadOnly);
  if (!opened && opened.error().code == Code::NotFound) return not_found(key);
  const auto file = TRY(as_store_result(std::move(opened)));
  if (range.offset > info.size || range.length > info.size - range.offset) {
    return fail(Code::Corrupt, "{} has {} bytes, too few for {} from {}", path.native(), info.size,
                range.length, range.offset);
  }
  const Bytes end = range.length == 0 ? info.size : range.offset + range.length;
  ByteVector buffer(static_cast<std::size_t>(std::min<Bytes>(kChunkBytes, end - range.offset)));
  for (Bytes offset = range.offset; offset < end;) {
    const auto wanted = static_cast<std::size_t>(std::min<Bytes>(buffer.size(), end - offset));
    const auto chunk = MutableByteSpan(buffer).first(wanted);
    const std::size_t got = TRY(as_store_result(file.read_at(chunk, offset)));
    if (got < wanted) {
      return fail(Code::Corrupt, "{} shrank while it was read", path.native());
    }
    TRY(sink(chunk));
    offset += wanted;
  }
  return {};
}

Result<ObjectInfo> FileStore::head(const std::string& key) {
  TRY(check_key(key));
  TRY(find_root());
  auto status = os::status_of(root_ / key);
  if (!status && status.error().code == Code::NotFound) return not_found(key);
  const auto found = TRY(as_store_result(std::move(status)));
  if (found.type != os::FileType::Regular) return not_found(key);
  return ObjectInfo{.key = key, .size = found.size, .modified = found.modified};
}

Result<std::vector<ObjectInfo>> FileStore::list(const std::string& prefix,
                                                const std::string& start_after) {
  const bool is_there = TRY(find_root());
  const std::string directory = parent_of(prefix);
  if (!directory.empty()) TRY(check_key(directory));
  std::vector<ObjectInfo> found;
  if (!is_there) return found;
  TRY(list_into(directory, 0, prefix, start_after, found));
  std::sort(found.begin(), found.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return found;
}

Result<void> FileStore::list_into(const std::string& directory, int depth,
                                  const std::string& prefix, const std::string& start_after,
                                  std::vector<ObjectInfo>& found) {
  const auto names = os::list_directory(root_ / directory);
  if (!names && names.error().code == Code::NotFound) return {};
  if (!names) return store_failure(names.error());
  for (const std::string& name : *names) {
    if (is_ignored(name)) continue;
    const std::string key = directory.empty() ? name : fmt::format("{}/{}", directory, name);
    // Names that cannot match are skipped without a look at the file.
    const std::string below = key + "/";
    const bool is_listed = key.starts_with(prefix) && key > start_after;
    const bool is_entered = (below.starts_with(prefix) || prefix.starts_with(below)) &&
                            start_after.compare(0, below.size(), below) <= 0;
    if (!is_listed && !is_entered) continue;
    const auto status = os::status_of(root_ / key);
    if (!status && status.error().code == Code::NotFound) continue;  // removed just now
    if (!status) return store_failure(status.error());
    if (status->type == os::FileType::Regular && is_listed) {
      found.push_back({.key = key, .size = status->size, .modified = status->modified});
    }
    if (status->type == os::FileType::Directory && is_entered) {
      if (depth == kDeepest) {
        return fail(Code::Invalid, "{} is nested too deeply for a replica", (root_ / key).native());
      }
      TRY(list_into(key, depth + 1, prefix, start_after, found));
    }
  }
  return {};
}

Result<void> FileStore::remove(const std::string& key) {
  TRY(check_key(key));
  TRY(require_write(key));
  const auto removed = os::remove_file(root_ / key);
  if (removed) return {};
  if (removed.error().code == Code::NotFound) {
    TRY(find_root());
    return {};
  }
  return store_failure(removed.error());
}

std::string FileStore::describe() const {
  return "file://" + root_.native();
}

}  // namespace walwrap::storage
