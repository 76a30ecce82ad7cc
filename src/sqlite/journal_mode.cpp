#include "walwrap/sqlite/journal_mode.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "walwrap/os/record_lock.hpp"

namespace walwrap::sqlite {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kWriteVersionAt = 18, kReadVersionAt = 19;
constexpr std::size_t kChangesAt = 24, kChangesOfSizeAt = 92;
constexpr std::size_t kWrittenEnd = kChangesOfSizeAt + 4;
constexpr std::byte kRollbackVersion{1}, kWalVersion{2};
// PENDING, RESERVED and all SHARED bytes: a process that holds any of them reads or writes the
// database.
constexpr os::ByteRange kLockBytes{.first = 0x4000'0000, .count = 512};

using Header = std::array<std::byte, kHeaderBytes>;

os::Path journal_of(const os::Path& database) {
  return database.string() + "-journal";
}

std::uint32_t load(const Header& header, std::size_t at) {
  return std::to_integer<std::uint32_t>(header[at]) << 24 |
         std::to_integer<std::uint32_t>(header[at + 1]) << 16 |
         std::to_integer<std::uint32_t>(header[at + 2]) << 8 |
         std::to_integer<std::uint32_t>(header[at + 3]);
}

void store(Header& header, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    header[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
  }
}

// nullopt: the file is not a database.
Result<std::optional<Header>> read_header(const os::File& file) {
  Header header{};
  const auto got = TRY(file.read_at(header, 0));
  if (got < kHeaderBytes || !as_text(header).starts_with(kMagic)) return std::optional<Header>();
  return std::optional(header);
}

// As SQLite opens a file: the version for readers decides, and versions above 2 are unknown.
Result<JournalMode> mode_of(const Header& header, const os::Path& database) {
  if (header[kReadVersionAt] == kWalVersion) return JournalMode::Wal;
  if (header[kReadVersionAt] == kRollbackVersion && header[kWriteVersionAt] <= kWalVersion) {
    return JournalMode::Rollback;
  }
  return fail(Code::Unsupported, "{} has a newer file format: versions {} and {}",
              database.string(), std::to_integer<int>(header[kWriteVersionAt]),
              std::to_integer<int>(header[kReadVersionAt]));
}

enum class Journal { None, Finished, Unfinished };

// SQLite's own rule: a journal that is empty or begins with a zero belongs to a finished
// transaction. journal_mode TRUNCATE and PERSIST leave such journals.
Result<Journal> journal_beside(const os::Path& database) {
  const auto file = os::File::open(journal_of(database), os::File::Open::ReadOnly);
  if (!file && file.error().code == Code::NotFound) return Journal::None;
  if (!file) return fail(file.error());
  std::array<std::byte, 1> first{};
  const auto got = TRY(file->read_at(first, 0));
  return got == 1 && first[0] != std::byte{0} ? Journal::Unfinished : Journal::Finished;
}

// The change counter tells every connection of the app that its cache is out of date. So the
// connection reads page 1 again and finds the new mode. A valid size in the header stays valid.
void set_wal(Header& header) {
  header[kWriteVersionAt] = header[kReadVersionAt] = kWalVersion;
  const std::uint32_t changes = load(header, kChangesAt);
  if (load(header, kChangesOfSizeAt) == changes) store(header, kChangesOfSizeAt, changes + 1);
  store(header, kChangesAt, changes + 1);
}

}  // namespace

Result<ModeSight> inspect_mode(const os::Path& database) {
  const auto status = TRY(os::status_of(database));
  // Opening a pipe would wait for its writer.
  if (status.type != os::FileType::Regular) {
    return fail(Code::Invalid, "{} is not a regular file", database.string());
  }
  ModeSight sight{
      .file = status.id, .size = status.size, .modified = status.modified, .holder = {}};
  if (status.size == 0) return sight;
  const auto file = TRY(os::File::open(database, os::File::Open::ReadOnly));
  auto holder = TRY(os::find_lock_holder(file, kLockBytes));
  auto header = TRY(read_header(file));
  const auto journal = TRY(journal_beside(database));
  sight.has_journal = journal == Journal::Unfinished;
  sight.keeps_journal = journal == Journal::Finished;
  if (!header) {
    // A first transaction writes its pages in any order, so page 1 may still be missing.
    holder = TRY(os::find_lock_holder(file, kLockBytes));
    if (holder || sight.has_journal) {
      return fail(Code::Busy, "{} is being created", database.string());
    }
    header = TRY(read_header(file));
    if (!header) return fail(Code::Corrupt, "{} is not a database", database.string());
  }
  sight.mode = TRY(mode_of(*header, database));
  sight.changes = load(*header, kChangesAt);
  sight.is_locked = holder.has_value();
  if (holder) sight.holder = holder->pid;
  sight.has_index = os::exists(database.string() + "-shm");
  return sight;
}

Result<ModeChange> change_to_wal(const os::Path& database) {
  auto file = TRY(os::File::open(database, os::File::Open::ReadWrite));
  auto header = TRY(read_header(file));
  if (!header) return ModeChange::NotNeeded;
  {
    // The app waits or fails until the lock ends, so nothing here waits for a disk. One sector is
    // written, completely or not at all, and any part of it would be a valid database as well.
    const auto lock = TRY(os::RecordLock::try_take(file, kLockBytes));
    if (!lock) return ModeChange::Locked;
    header = TRY(read_header(file));
    if (!header) return ModeChange::NotNeeded;
    const auto mode = TRY(mode_of(*header, database));
    if (mode != JournalMode::Rollback) return ModeChange::NotNeeded;
    const auto journal = TRY(journal_beside(database));
    if (journal == Journal::Unfinished) return ModeChange::HasJournal;
    set_wal(*header);
    const ByteSpan written(*header);
    TRY(file.write_at(written.subspan(kWriteVersionAt, kWrittenEnd - kWriteVersionAt),
                      kWriteVersionAt));
  }
  TRY(file.sync());
  return ModeChange::Done;
}

}  // namespace walwrap::sqlite
