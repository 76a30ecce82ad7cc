#include "walwrap/sqlite/snapshot.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/sqlite/shim.hpp"

namespace walwrap::sqlite {
namespace {

constexpr int kBeginTries = 50;  // a try fails only if a commit falls into its few microseconds

os::Path wal_path(const os::Path& database) {
  return database.string() + "-wal";
}

}  // namespace

Snapshot::Snapshot(Connection connection, os::File wal, const CheckpointOwner& owner)
    : connection_(std::move(connection)),
      database_(connection_.file()),
      wal_(std::move(wal)),
      page_size_(owner.page_size()),
      abandoned_(owner.abandoned()) {
  frame_bytes_.resize(wal::frame_bytes(page_size_));
}

Result<std::unique_ptr<Snapshot>> Snapshot::open(const CheckpointOwner& owner) {
  auto connection = TRY(owner.open_sibling().context("open a snapshot"));
  auto wal = TRY(os::File::open(wal_path(owner.database()), os::File::Open::ReadOnly)
                     .context("open a snapshot"));
  return std::unique_ptr<Snapshot>(new Snapshot(std::move(connection), std::move(wal), owner));
}

Result<Snapshot::Moment> Snapshot::begin(const CheckpointOwner& owner) {
  WW_CHECK(!active_);
  for (int i = 0; i < kBeginTries; ++i) {
    const auto before = owner.read_index();
    const auto begun = connection_.execute("BEGIN; SELECT 1 FROM sqlite_master LIMIT 1");
    active_ = sqlite3_get_autocommit(connection_.handle()) == 0;
    const auto after = owner.read_index();
    if (!begun && begun.error().code != Code::Busy) {
      end();
      return fail(begun.error());
    }
    if (begun && before && after) {
      // Read lock 0 means that the WAL was completely backfilled and is not used, so it may restart
      // during the read. The moment is then known only if no commit happened in between.
      const bool uses_wal = held_read_lock(connection_.file()) > 0;
      if (uses_wal) return Moment{.index = after->header, .all_backfilled = false};
      if (before->header == after->header) return moment_of_file(after->header);
    }
    end();
  }
  return fail(Code::Busy, "cannot take a snapshot of {} now", owner.database().string());
}

// An index made from an empty WAL has neither the database size nor the page size. If the file has
// the whole WAL, the file's own size counts, because it may have been overwritten.
Result<Snapshot::Moment> Snapshot::moment_of_file(wal::IndexHeader index) {
  sqlite3_int64 bytes = 0;
  const int code = database_->pMethods->xFileSize(database_, &bytes);
  if (code != SQLITE_OK) {
    end();
    return sqlite_failure(nullptr, code, "size of the database");
  }
  index.pages = static_cast<std::uint32_t>(bytes / page_size_.value);
  index.page_size = page_size_;
  return Moment{.index = index, .all_backfilled = true};
}

void Snapshot::set_frames(wal::Salts salts, std::vector<FrameRef> frames) {
  WW_CHECK(active_);
  salts_ = salts;
  frames_ = std::move(frames);
}

std::uint32_t Snapshot::frame_of(Pgno pgno) const {
  const auto found =
      std::lower_bound(frames_.begin(), frames_.end(), pgno,
                       [](const FrameRef& ref, Pgno wanted) { return ref.pgno < wanted; });
  return found != frames_.end() && found->pgno == pgno ? found->frame : 0;
}

Result<void> Snapshot::read_page(Pgno pgno, MutableByteSpan page) const {
  WW_CHECK(active_ && pgno.value > 0 && page.size() == page_size_.value);
  if (abandoned_.load(std::memory_order_acquire)) {
    return fail(Code::Cancelled, "the database file was replaced");
  }
  const std::uint32_t frame = frame_of(pgno);
  if (frame == 0) {
    const auto offset = static_cast<sqlite3_int64>(pgno.value - 1) * page_size_.value;
    const int code =
        database_->pMethods->xRead(database_, page.data(), static_cast<int>(page.size()), offset);
    // A short read filled the rest with zeros: the app extended the file without writing there.
    if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ) return {};
    return sqlite_failure(nullptr, code, fmt::format("read page {}", pgno));
  }
  const auto got = TRY(wal_.read_at(frame_bytes_, wal::frame_offset(frame, page_size_)));
  if (got != frame_bytes_.size()) {
    return fail(Code::Corrupt, "frame {} of page {} is cut off", frame, pgno);
  }
  const auto header = wal::parse_frame_header(ByteSpan(frame_bytes_).first(wal::kFrameHeaderBytes));
  if (header.pgno != pgno || !(header.salts == salts_)) {
    return fail(Code::Corrupt, "frame {} no longer holds page {}", frame, pgno);
  }
  std::copy_n(frame_bytes_.begin() + wal::kFrameHeaderBytes, page.size(), page.begin());
  return {};
}

void Snapshot::end() {
  if (active_) {
    ignore(connection_.execute("ROLLBACK"), "a rollback of nothing written cannot fail usefully");
  }
  active_ = false;
  frames_.clear();
}

}  // namespace walwrap::sqlite
