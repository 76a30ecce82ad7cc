#include "walwrap/replication/state_dir.hpp"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <string_view>

#include "walwrap/base/bytes.hpp"
#include "walwrap/os/atomic_file.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kStateName = "state";
constexpr std::string_view kPagesName = "pages";
constexpr std::string_view kStateTemporary = "state.tmp-";
// A state has ten short lines; whatever is larger is not one.
constexpr Bytes kStateLimit = 4096;
constexpr std::uint32_t kPrivateDirectory = 0700;
constexpr std::uint32_t kSharedDirectory = 0755;

}  // namespace

os::Path StateDir::path_for(const os::Path& database) {
  return database.parent_path() / fmt::format(".{}-walwrap", database.filename().string());
}

Result<StateDir> StateDir::open(const os::Path& database,
                                const std::optional<os::FileOwner>& owner) {
  const os::Path directory = path_for(database);
  if (!os::exists(directory)) {
    // The state is private; a directory that the app's own files go into need not be.
    TRY(os::make_directories(directory.parent_path(), kSharedDirectory, owner)
            .context("create the database's directory"));
    TRY(os::make_directories(directory, kPrivateDirectory, owner)
            .context("create state directory"));
  }
  // A crash in save() leaves its temporary file; nobody else writes in here.
  const auto names = TRY(os::list_directory(directory).context("open state directory"));
  for (const std::string& name : names) {
    if (name.starts_with(kStateTemporary)) {
      ignore(os::remove_file(directory / name), "only costs a few bytes until the next start");
    }
  }
  return StateDir(directory, owner);
}

Result<std::optional<SavedState>> StateDir::load() const {
  const auto bytes = os::read_file(directory_ / kStateName, kStateLimit);
  if (!bytes) {
    if (bytes.error().code == Code::NotFound) return std::optional<SavedState>{};
    const Code code = bytes.error().code == Code::Invalid ? Code::Corrupt : bytes.error().code;
    return fail(code, "read state: {}", bytes.error().text);
  }
  const auto state = TRY(parse_state(as_text(*bytes)).context("parse state"));
  return std::optional(state);
}

Result<void> StateDir::save(const SavedState& state) {
  auto file = TRY(os::AtomicFile::create(directory_ / kStateName).context("save state"));
  if (owner_) TRY(file.set_owner(*owner_).context("save state"));
  TRY(file.write(as_bytes(format_state(state))).context("save state"));
  return file.commit(os::AtomicFile::Publish::Replace).context("save state");
}

Result<void> StateDir::forget() {
  // The state first, and durably: pages without a state are never used, a state without its pages
  // would be.
  for (const std::string_view name : {kStateName, kPagesName}) {
    const auto removed = os::remove_file(directory_ / name);
    if (!removed && removed.error().code != Code::NotFound) {
      return fail(removed.error().code, "forget state: {}", removed.error().text);
    }
    TRY(os::sync_directory(directory_).context("forget state"));
  }
  return {};
}

Result<PageSums> StateDir::open_sums() const {
  const os::Path path = directory_ / kPagesName;
  Bytes size = 0;
  const auto status = os::status_of(path);
  if (status) {
    size = status->size / PageSums::kRecordBytes * PageSums::kRecordBytes;
    if (size > Bytes{std::numeric_limits<std::uint32_t>::max()} * PageSums::kRecordBytes) {
      return fail(Code::Corrupt, "page sums: more than a database can have");
    }
  } else if (status.error().code != Code::NotFound) {
    return fail(status.error().code, "open page sums: {}", status.error().text);
  }
  auto file = TRY(os::MappedFile::open(path, size).context("open page sums"));
  if (owner_) TRY(os::set_owner(path, *owner_).context("open page sums"));
  return PageSums(std::move(file));
}

}  // namespace walwrap::replication
