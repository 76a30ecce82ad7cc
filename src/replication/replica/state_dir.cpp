#include "walwrap/replication/replica/state_dir.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "walwrap/base/bytes.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kStateName = "state";
constexpr std::string_view kPagesName = "pages";
constexpr std::string_view kNoteName = "database";
constexpr std::string_view kIncomingName = "pages.incoming";  // of an earlier version
constexpr std::string_view kStateTemporary = "state.tmp-";
// A state has a few short lines. A larger file is not a state.
constexpr Bytes kStateLimit = 4096;
constexpr std::uint32_t kPrivateDirectory = 0700;
constexpr std::uint32_t kSharedDirectory = 0755;

// The file is complete and durable under its name, or does not exist.
Result<void> write_state(const os::Directory& directory, const std::string& temporary,
                         const SavedState& state) {
  auto file = TRY(directory.create_file(temporary));
  TRY(file.write(as_bytes(format_state(state))));
  TRY(file.sync());
  return directory.rename(temporary, kStateName);
}

}  // namespace

os::Path StateDir::path_for(const os::Path& database) {
  return database.parent_path() / fmt::format(".{}-walwrap", database.filename().string());
}

Result<StateDir> StateDir::open(const os::Path& database,
                                const std::optional<os::FileOwner>& owner) {
  const os::Path path = path_for(database);
  // The state is private. A directory for the app's own files need not be.
  TRY(os::make_directories(os::directory_of(path), kSharedDirectory, owner)
          .context("create the database's directory"));
  const auto directory = TRY(os::Directory::open_or_make(path, kPrivateDirectory, owner)
                                 .context("open the state directory"));
  // Left by a killed process. No other process writes here.
  const auto names = TRY(directory.names().context("read the state directory"));
  for (const std::string& name : names) {
    if (name.starts_with(kStateTemporary) || name == kIncomingName) {
      ignore(directory.remove(name), "it only takes space until the next start");
    }
  }
  return StateDir(path, owner);
}

Result<os::Directory> StateDir::held() const {
  return os::Directory::open(path_, owner_).context("open the state directory");
}

Result<std::optional<SavedState>> StateDir::load() const {
  const auto directory = TRY(held());
  const auto file = directory.open_file(kStateName, os::File::Open::ReadOnly);
  if (!file) {
    if (file.error().code == Code::NotFound) return std::optional<SavedState>{};
    const Code code = file.error().code == Code::Invalid ? Code::Corrupt : file.error().code;
    return fail(code, "read state: {}", file.error().text);
  }
  const auto bytes = file->read(kStateLimit);
  if (!bytes) {
    const Code code = bytes.error().code == Code::Invalid ? Code::Corrupt : bytes.error().code;
    return fail(code, "read state: {}", bytes.error().text);
  }
  const auto state = TRY(parse_state(as_text(*bytes)).context("parse state"));
  return std::optional(state);
}

Result<void> StateDir::save(const SavedState& state) {
  const auto directory = TRY(held());
  const std::string temporary = std::string(kStateTemporary) + format_hex16(os::random_u64());
  const auto written = write_state(directory, temporary, state);
  if (!written) {
    ignore(directory.remove(temporary), "the next start removes it");
    return fail(written.error().code, "save state: {}", written.error().text);
  }
  return directory.sync().context("save state");
}

Result<void> StateDir::forget() {
  const auto directory = TRY(held());
  // The state is removed first and durably: pages without a state are never used, but a state
  // without its pages would be.
  for (const std::string_view name : {kStateName, kPagesName, kNoteName}) {
    const auto removed = directory.remove(name);
    if (!removed && removed.error().code != Code::NotFound) {
      return fail(removed.error().code, "forget state: {}", removed.error().text);
    }
    TRY(directory.sync().context("forget state"));
  }
  return {};
}

Result<PageSums> StateDir::open_sums() const {
  const auto directory = TRY(held());
  const auto file = TRY(directory.open_or_replace(kPagesName).context("open page sums"));
  const auto status = TRY(file.status().context("open page sums"));
  const Bytes size = status.size;
  if (size > PageSums::kMostBytes) {
    return fail(Code::Corrupt, "page sums: more than a database can have");
  }
  auto mapped = TRY(os::MappedFile::open(file.by_descriptor(), size).context("map the page sums"));
  return PageSums(std::move(mapped));
}

Result<ByteVector> StateDir::read_note(Bytes limit) const {
  const auto directory = TRY(held());
  const auto file = TRY(directory.open_file(kNoteName, os::File::Open::ReadOnly));
  return file.read(limit);
}

Result<os::HeldFile> StateDir::open_note() const {
  const auto directory = TRY(held());
  return directory.open_or_replace(kNoteName);
}

}  // namespace walwrap::replication
