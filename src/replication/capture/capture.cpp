#include "walwrap/replication/capture/capture.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "walwrap/base/bytes.hpp"

namespace walwrap::replication {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;  // of the WAL at a time: limits memory only

}  // namespace

Result<std::unique_ptr<Capture>> Capture::open(const sqlite::CheckpointOwner& owner,
                                               std::optional<wal::Position> stored) {
  auto wal = TRY(os::File::open(owner.database().string() + "-wal", os::File::Open::ReadOnly)
                     .context("open the WAL"));
  return std::unique_ptr<Capture>(new Capture(std::move(wal), owner, stored));
}

Capture::Capture(os::File wal, const sqlite::CheckpointOwner& owner,
                 std::optional<wal::Position> stored)
    : wal_(std::move(wal)),
      writeback_([this](Bytes offset, Bytes length) { wal_.start_writeback(offset, length); },
                 owner.clock()),
      page_size_(owner.page_size()),
      stored_(stored),
      needs_compare_(!stored.has_value()) {}

void Capture::lose_continuity() {
  stored_.reset();
  count_.restart();
  require_compare();
}

void Capture::require_compare() {
  needs_compare_ = true;
  continues_ = false;
  ++commits_;
}

bool Capture::has_read(const sqlite::IndexView& index) const {
  if (stored_) return false;
  const wal::IndexHeader& header = index.header;
  return header.max_frame == 0 || (scanner_ && scanner_->header().salts == header.salts &&
                                   scanner_->position().frame >= header.max_frame);
}

bool Capture::is_proven(const sqlite::IndexView& index) const {
  return has_read(index) && count_.agrees_with(index.header.change);
}

// After everything that `header` lists was read.
void Capture::compare_counts(const wal::IndexHeader& header) {
  switch (count_.compare(header.change)) {
    case CommitCount::Finding::Agrees:
    case CommitCount::Finding::Uncountable:
      return;
    case CommitCount::Finding::Missed:
    case CommitCount::Finding::BeganAnew:
      require_compare();
      return;
  }
}

Result<bool> Capture::drain(const sqlite::IndexView& index) {
  const wal::IndexHeader& header = index.header;
  if (scanner_ && scanner_->header().salts != header.salts) {
    // The WAL restarted. Only walwrap's own checkpoints allow that, and they capture first.
    scanner_.reset();
    newest_.clear();
  }
  // Salts together with the stored frames prove continuity. Salts alone do not: after a crash, new
  // salts may precede old frames, and old salts new frames. An empty WAL proves nothing, because
  // the next one looks the same in every case.
  if (stored_ &&
      (stored_->frame == 0 || stored_->salts != header.salts || stored_->frame > header.max_frame ||
       index.checkpoint.backfilled > stored_->frame)) {
    lose_continuity();
  }
  if (header.max_frame == 0) {
    stored_.reset();
    compare_counts(header);
    return false;
  }
  if (!scanner_) {
    const bool has_header = TRY(start_log(index));
    if (!has_header) return false;
  }
  // Frames that are already in the database file are not read.
  if (scanner_->position().frame > index.checkpoint.backfilled) TRY(check_end());
  if (stored_) {
    TRY(read_frames(stored_->frame));
    if (scanner_->position() != *stored_) lose_continuity();
    stored_.reset();
  }
  const bool any = TRY(read_frames(header.max_frame));
  compare_counts(header);
  return any;
}

Result<bool> Capture::start_log(const sqlite::IndexView& index) {
  std::array<std::byte, wal::kHeaderBytes> bytes{};
  const auto got = TRY(wal_.read_at(bytes, 0));
  if (got != bytes.size()) return false;
  auto scanner = TRY(wal::Scanner::start(bytes, std::nullopt));
  if (!scanner || scanner->header().salts != index.header.salts) return false;
  if (scanner->page_size() != page_size_) {
    return fail(Code::Corrupt, "the WAL has pages of {} bytes, the database has pages of {}",
                scanner->page_size(), page_size_);
  }
  scanner_ = std::move(scanner);
  newest_.clear();
  return true;
}

// A truncated WAL grows again with the app's next commit, and then it has a hole. Truncation
// removes the last frame that was read first.
Result<void> Capture::check_end() {
  const wal::Position position = scanner_->position();
  if (position.frame == 0) return {};
  std::array<std::byte, wal::kFrameHeaderBytes> header{};
  const auto got = TRY(wal_.read_at(header, wal::frame_offset(position.frame, page_size_)));
  const ByteSpan read(header);
  const wal::Salts salts{load_be32(read.subspan(8)), load_be32(read.subspan(12))};
  const wal::Checksum checksum{load_be32(read.subspan(16)), load_be32(read.subspan(20))};
  if (got == header.size() && salts == position.salts && checksum == position.checksum) return {};
  if (got == header.size() && salts != position.salts && salts != wal::Salts{}) {
    return fail(Code::Busy, "the WAL was restarted while it was read");
  }
  return fail(Code::Corrupt,
              "the -wal file was truncated or overwritten while in use: frame {} is missing",
              position.frame);
}

Result<bool> Capture::read_frames(std::uint32_t max_frame) {
  const Bytes end = wal::frame_offset(max_frame + 1, page_size_);
  bool any = false;
  while (scanner_->next_offset() < end && !scanner_->ended()) {
    const Bytes offset = scanner_->next_offset();
    buffer_.resize(static_cast<std::size_t>(std::min<Bytes>(kReadBytes, end - offset)));
    const auto got = TRY(wal_.read_at(buffer_, offset));
    if (got == 0) break;
    for (const auto& transaction : scanner_->feed(ByteSpan(buffer_).first(got))) {
      newest_.add(transaction);
      count_.on_commit();
      // The part before the stored position is only needed to find the newest frame of each page.
      if (!stored_) {
        for (const Pgno pgno : transaction.pages) {
          pending_.add(pgno);
          changed_.add(pgno);
        }
        ++commits_;
      }
      any = true;
    }
    writeback_.on_read(offset, offset + got);
  }
  if (scanner_->position().frame >= max_frame) return any;
  // The WAL restarted between the read of its index and this read, or it is damaged.
  scanner_.reset();
  newest_.clear();
  lose_continuity();
  return fail(Code::Busy, "the WAL changed while it was read");
}

Result<std::optional<sqlite::Snapshot::Moment>> Capture::begin(const sqlite::CheckpointOwner& owner,
                                                               sqlite::Snapshot& snapshot) {
  if (stored_) return fail(Code::Busy, "the WAL has not been read yet");
  const auto moment = TRY(snapshot.begin(owner));
  const auto drained = drain({.header = moment.index, .checkpoint = {}});
  const bool is_read = moment.index.max_frame == 0 || scanner_.has_value();
  if (!drained || !is_read) {
    snapshot.end();
    if (!drained) return fail(drained.error());
    return fail(Code::Busy, "the WAL has no header yet");
  }
  if (moment.index.pages == 0) {
    snapshot.end();
    return std::optional<sqlite::Snapshot::Moment>();
  }
  return std::optional(moment);
}

void Capture::give_frames(sqlite::Snapshot& snapshot, const sqlite::Snapshot::Moment& moment,
                          const PageSet& pages) const {
  std::vector<sqlite::FrameRef> frames;
  if (!moment.all_backfilled) {
    pages.for_each([&](Pgno pgno) {
      const std::uint32_t frame = newest_.newest(pgno);
      if (frame != 0) frames.push_back({pgno, frame});
    });
  }
  snapshot.set_frames(moment.index.salts, std::move(frames));
}

Result<std::optional<Capture::Shot>> Capture::take(const sqlite::CheckpointOwner& owner,
                                                   sqlite::Snapshot& snapshot,
                                                   std::uint32_t stored_pages, Frames frames) {
  const auto moment = TRY(begin(owner, snapshot));
  if (!moment) return std::optional<Shot>();
  const Pgno last{moment->index.pages};
  Shot shot{.pages = std::exchange(pending_, PageSet()),
            .commit = last.value,
            .covers = {},
            .changed = std::exchange(changed_, PageSet()),
            .continues = std::exchange(continues_, true)};
  // LTX rule for growth: a file has every page that the database has gained.
  shot.pages.add_range(Pgno{stored_pages + 1}, last);
  shot.pages.remove_above(last);
  shot.pages.remove(lock_page(page_size_));  // Law 7
  shot.covers = scanner_ ? scanner_->position() : wal::Position{moment->index.salts, 0, {}};
  const auto every = [&] { return PageSet::range(Pgno{1}, last); };
  give_frames(snapshot, *moment, frames == Frames::Every ? every() : shot.pages);
  return std::optional(std::move(shot));
}

Result<std::optional<Capture::Shot>> Capture::take_all(const sqlite::CheckpointOwner& owner,
                                                       sqlite::Snapshot& snapshot) {
  auto shot = TRY(take(owner, snapshot, 0));
  if (shot) needs_compare_ = false;
  return shot;
}

}  // namespace walwrap::replication
