#include "walwrap/sqlite/still_database.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "walwrap/wal/index.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::sqlite {
namespace {

constexpr Bytes kDatabaseHeaderBytes = 100;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;  // of the WAL at a time
// SQLite's os.h: PENDING_BYTE, RESERVED_BYTE, and the 510 bytes of SHARED_FIRST.
constexpr os::ByteRange kAllLocks{.first = Bytes{1} << 30, .count = 2 + 510};

// A journal that is empty or begins with zeros is not in use (journal_mode=PERSIST).
Result<bool> is_journal_hot(const os::Path& database) {
  constexpr std::array<unsigned char, 8> kJournalMagic = {0xd9, 0xd5, 0x05, 0xf9,
                                                          0x20, 0xa1, 0x63, 0xd7};
  const auto file = os::File::open(database.string() + "-journal", os::File::Open::ReadOnly);
  if (!file && file.error().code == Code::NotFound) return false;
  if (!file) return fail(file.error());
  std::array<std::byte, kJournalMagic.size()> start{};
  const auto got = TRY(file->read_at(start, 0));
  return got == start.size() && std::equal(start.begin(), start.end(), kJournalMagic.begin(),
                                           [](std::byte a, unsigned char b) {
                                             return std::to_integer<unsigned char>(a) == b;
                                           });
}

}  // namespace

Result<StillDatabase> StillDatabase::open(const os::Path& database) {
  const auto status = TRY(os::status_of(database));
  if (status.type != os::FileType::Regular) {
    return fail(Code::Invalid, "{} is not a regular file", database.string());
  }
  if (status.size == 0) return fail(Code::NotFound, "{} is empty", database.string());
  StillDatabase still;
  auto file = TRY(os::File::open(database, os::File::Open::ReadWrite));
  still.file_ = std::make_unique<os::File>(std::move(file));
  auto lock = TRY(os::RecordLock::try_take(*still.file_, kAllLocks));
  if (!lock) {
    return fail(Code::Busy, "another process has {} open", database.string());
  }
  still.lock_.emplace(*std::move(lock));
  const bool is_hot = TRY(is_journal_hot(database));
  if (is_hot) {
    return fail(Code::Unsupported, "an unfinished transaction is in {}-journal", database.string());
  }
  TRY(still.read_header().context(database.string()));
  TRY(still.read_wal(database.string() + "-wal"));
  return still;
}

Result<void> StillDatabase::read_header() {
  constexpr std::string_view kFileMagic("SQLite format 3\0", 16);
  constexpr std::size_t kSizeAt = 16, kCounterAt = 24, kCountAt = 28, kCountValidForAt = 92;
  constexpr std::uint32_t kLargest = 65'536;
  std::array<std::byte, kDatabaseHeaderBytes> header{};
  const auto got = TRY(file_->read_at(header, 0));
  if (got != header.size() || !as_text(header).starts_with(kFileMagic)) {
    return fail(Code::Corrupt, "not a SQLite database");
  }
  const auto number_at = [&](std::size_t at) { return load_be32(ByteSpan(header).subspan(at, 4)); };
  const std::uint32_t size = number_at(kSizeAt) >> 16;
  page_size_.value = size == 1 ? kLargest : size;
  if (!PageSize::is_valid(page_size_.value)) {
    return fail(Code::Corrupt, "a page size of {} bytes", page_size_);
  }
  pages_ = number_at(kCountAt);
  // Versions before 3.7 did not write the size.
  if (pages_ == 0 || number_at(kCounterAt) != number_at(kCountValidForAt)) {
    const Bytes bytes = TRY(file_->size());
    pages_ = static_cast<std::uint32_t>((bytes + page_size_.value - 1) / page_size_.value);
  }
  return {};
}

// Whatever mode the header has: SQLite reads an existing WAL.
Result<void> StillDatabase::read_wal(const os::Path& path) {
  auto opened = os::File::open(path, os::File::Open::ReadOnly);
  if (!opened && opened.error().code == Code::NotFound) return {};
  wal_ = TRY(std::move(opened));
  std::array<std::byte, wal::kHeaderBytes> header{};
  const auto got = TRY(wal_->read_at(header, 0));
  if (got != header.size()) return {};
  auto scanner = TRY(wal::Scanner::start(header, std::nullopt));
  if (!scanner) return {};
  if (scanner->page_size() != page_size_) {
    return fail(Code::Corrupt, "{} has pages of {} bytes, the database of {}", path.string(),
                scanner->page_size(), page_size_);
  }
  ByteVector buffer(kReadBytes);
  while (!scanner->ended()) {
    const auto bytes = TRY(wal_->read_at(buffer, scanner->next_offset()));
    if (bytes == 0) break;
    for (const auto& transaction : scanner->feed(ByteSpan(buffer).first(bytes))) {
      frames_.add(transaction);
      pages_ = transaction.commit;
    }
  }
  return {};
}

Result<void> StillDatabase::read_page(Pgno pgno, MutableByteSpan page) const {
  const std::uint32_t frame = frames_.newest(pgno);
  if (frame == 0) return read_file_page(pgno, page);
  return read_from(*wal_, wal::frame_offset(frame, page_size_) + wal::kFrameHeaderBytes, page);
}

Result<void> StillDatabase::read_file_page(Pgno pgno, MutableByteSpan page) const {
  WW_CHECK(pgno.value > 0);
  return read_from(*file_, (Bytes{pgno.value} - 1) * page_size_.value, page);
}

Result<bool> StillDatabase::is_complete_file() const {
  const Bytes bytes = TRY(file_->size());
  return frames_.size() == 0 && bytes >= Bytes{pages_} * page_size_.value;
}

Result<void> StillDatabase::read_from(const os::File& file, Bytes offset,
                                      MutableByteSpan page) const {
  WW_CHECK(page.size() == page_size_.value);
  const auto got = TRY(file.read_at(page, offset));
  std::fill(page.begin() + static_cast<std::ptrdiff_t>(got), page.end(), std::byte{0});
  return {};
}

Result<void> check_attachable(const os::Path& database) {
  constexpr std::size_t kVersionAt = 19;
  constexpr std::byte kInWalMode{2};
  constexpr os::ByteRange kCheckpointLock{.first = 120 + wal::kCheckpointLock, .count = 1};
  const auto file = TRY(os::File::open(database, os::File::Open::ReadOnly));
  std::array<std::byte, kVersionAt + 1> start{};
  const auto got = TRY(file.read_at(start, 0));
  const bool is_wal = got == start.size() && start[kVersionAt] == kInWalMode;
  std::optional<os::LockHolder> holder;
  if (is_wal) {
    const auto index = os::File::open(database.string() + "-shm", os::File::Open::ReadOnly);
    if (!index) return {};
    holder = TRY(os::find_lock_holder(*index, kCheckpointLock));
  } else {
    holder = TRY(os::find_lock_holder(file, kAllLocks));
  }
  if (!holder) return {};
  const auto who = holder->pid ? fmt::format("process {}", holder->pid->value)
                               : std::string("a process of another pid namespace");
  return fail(Code::Busy, "database {} is locked by {}; stop the other process, then start again",
              database.string(), who);
}

}  // namespace walwrap::sqlite
