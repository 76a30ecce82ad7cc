#include "walwrap/os/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "walwrap/os/clock.hpp"

namespace walwrap::os {
namespace {

// Whether link(2) failed because it is not supported, and not because the name is taken.
bool is_link_unsupported(int error_number) {
  return error_number == EPERM || error_number == EOPNOTSUPP || error_number == ENOSYS ||
         error_number == EMLINK;
}

// Whether renameat2(2) failed because the file system knows no flags: buckets that are mounted.
bool is_noreplace_unsupported(int error_number) {
  return error_number == EINVAL || error_number == EOPNOTSUPP || error_number == ENOSYS;
}

Result<void> look_and_rename(const Path& temporary, const Path& final_path) {
  const auto found = status_of(final_path);
  if (found) return errno_failure("rename", final_path.native(), EEXIST);
  if (found.error().code != Code::NotFound) return fail(found.error());
  return os::rename(temporary, final_path);
}

// Gives a finished temporary file its final name, unless the name is taken. The temporary name may
// or may not remain.
Result<void> publish_new(const Path& temporary, const Path& final_path, const File& file,
                         bool& after_look) {
  if (::link(temporary.c_str(), final_path.c_str()) == 0) return {};
  const int link_error = errno;
  if (is_link_unsupported(link_error)) {
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, final_path.c_str(), RENAME_NOREPLACE) ==
        0) {
      return {};
    }
    if (!is_noreplace_unsupported(errno)) return path_failure("renameat2", final_path);
    after_look = true;
    return look_and_rename(temporary, final_path);
  }
  if (link_error == EEXIST) {
    // Over NFS a link may be made although its reply was lost. Then the name leads to this file.
    const auto found = status_of(final_path);
    const auto ours = file.status();
    if (found && ours && found->id == ours->id) return {};
  }
  return errno_failure("link", final_path.native(), link_error);
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const Path& final_path, std::uint32_t mode) {
  Path temporary = final_path;
  temporary += ".tmp-" + format_hex16(random_u64());
  auto file = TRY(File::open(temporary, File::Open::CreateNew, mode));
  return AtomicFile(std::move(file), std::move(temporary), final_path);
}

AtomicFile::AtomicFile(File file, Path temporary, Path final_path)
    : file_(std::move(file)), temporary_(std::move(temporary)), final_(std::move(final_path)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : file_(std::exchange(other.file_, std::nullopt)),
      temporary_(std::move(other.temporary_)),
      final_(std::move(other.final_)),
      written_(other.written_),
      created_after_look_(other.created_after_look_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    file_ = std::exchange(other.file_, std::nullopt);
    temporary_ = std::move(other.temporary_);
    final_ = std::move(other.final_);
    written_ = other.written_;
    created_after_look_ = other.created_after_look_;
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (!file_) return;
  file_.reset();
  ignore(remove_file(temporary_), "a leftover file is recognizable by its name");
}

Result<void> AtomicFile::write(ByteSpan bytes) {
  WW_CHECK(file_.has_value());
  TRY(file_->write_at(bytes, written_));
  written_ += bytes.size();
  return {};
}

Result<void> AtomicFile::set_modified(WallTime time) {
  WW_CHECK(file_.has_value());
  return file_->set_modified(time);
}

Result<void> AtomicFile::set_owner(const FileOwner& owner) {
  WW_CHECK(file_.has_value());
  return file_->set_owner(owner);
}

Result<void> AtomicFile::commit(Publish how) {
  WW_CHECK(file_.has_value());
  TRY(file_->sync());
  switch (how) {
    case Publish::Replace:
      TRY(os::rename(temporary_, final_));
      file_.reset();
      break;
    case Publish::CreateNew:
      TRY(publish_new(temporary_, final_, *file_, created_after_look_));
      discard();
      break;
  }
  return sync_directory(directory_of(final_));
}

}  // namespace walwrap::os
