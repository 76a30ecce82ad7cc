#include "walwrap/replication/restore/restore_pages.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "walwrap/base/page_set.hpp"
#include "walwrap/ltx/capacity.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/ltx/page_frame.hpp"
#include "walwrap/replication/replica/fetch.hpp"
#include "walwrap/replication/restore/disk_space.hpp"

namespace walwrap::replication {
namespace {

// Limits (Law 5) that together keep a restore below 64 MiB: 16 MiB for runs in progress, at most 12
// MiB for small files fetched ahead and as much for those in use, and the frame sets.
struct Lanes {
  unsigned fewest_threads;
  unsigned most_threads;
  Bytes run_bytes;          // page frames fetched and decoded as one task
  std::size_t files_ahead;  // small files fetched before their turn
};
// Threads that decode; more than the number of cores would not help.
constexpr Lanes kNearby{2, 4, 4 << 20, 6};
// Threads that mostly wait for their bytes: one connection each, whatever the number of cores.
constexpr Lanes kRemote{8, 8, 2 << 20, 12};
constexpr std::size_t kRunPages = 32'768;   // of pages that compress to almost nothing
constexpr Bytes kSmallFileBytes = 1 << 20;  // fetched completely, some of them ahead
constexpr Bytes kIndexPieceBytes = 256 << 10;
constexpr std::size_t kWriteBytes = 256 << 10;  // fits into a core's cache
// Written data goes to disk in portions of this size, so that the last fsync, which cannot be
// interrupted, is short.
constexpr Bytes kSyncEvery = 64 << 20;

constexpr Bytes kTailBytes = 8 + ltx::kTrailerBytes;  // index size, trailer

struct Frame {
  Pgno pgno;
  std::uint32_t size = 0;
  bool counts = false;  // no newer file has the page
};

// Page frames that follow each other, and their part of the file checksum.
struct Run {
  Bytes offset = 0;
  Bytes length = 0;
  std::vector<Frame> frames;
};
struct Decoded {
  ltx::Crc64 checksum;
  std::uint64_t database_checksum = 0;  // of files that have one
};

// One planned file. It does not move, because tasks refer to it.
struct Source {
  Source(std::string its_key, const StoredFile& stored)
      : key(std::move(its_key)), txids(stored.txids), size(stored.size) {}
  bool is_small() const { return size <= kSmallFileBytes; }
  bool carries_full_checksum() const {
    return txids.first == Txid{1} && (header.flags & ltx::kFlagNoChecksum) == 0;
  }

  std::string key;
  TxidRange txids;
  Bytes size;
  ltx::Header header;
  ltx::Trailer trailer;
  ltx::Crc64 head;              // of the header
  std::deque<Decoded> decoded;  // of the page frames, one for each run, in order
  ltx::Crc64 tail;              // of end marker, index, first half of the trailer
  bool is_requested = false;    // small files
  std::atomic<bool> is_fetched{false};
  ByteVector whole;
};

class PageRestore {
 public:
  PageRestore(const RestoreRequest& request, os::File& file)
      : request_(request),
        file_(file),
        space_(file, os::directory_of(request.output)),
        lanes_(request.style == KeyStyle::Directory ? kNearby : kRemote) {}
  Result<RestoredPages> run();

 private:
  Result<void> start();
  Result<void> check_chain() const;
  Result<void> fetch_ahead(std::size_t next);
  Result<void> schedule(Source& source);
  Result<void> schedule_frames(Source& source, Bytes index_begin, Bytes index_bytes);
  Result<void> take_header(Source& source);
  Result<void> begin_output(const ltx::Header& newest);
  Result<ByteSpan> read(Source& source, Bytes offset, Bytes length);
  Result<void> submit(Source& source, Run run);
  Result<void> apply(Source& source, const Run& run, Decoded& decoded, FetchPool::Worker& worker);
  Result<void> write(Pgno first, ByteSpan pages);
  Result<void> check_sums(const Source& source) const;
  Result<void> check_complete() const;
  Result<void> report() const;

  const RestoreRequest& request_;
  os::File& file_;
  SpaceReserve space_;
  const Lanes& lanes_;
  std::unique_ptr<storage::ObjectStore> store_;  // for the owner's own reads
  ByteVector piece_;
  PageSize page_size_{};
  std::uint32_t commit_ = 0;
  PageSet covered_;  // pages that a file taken so far has
  std::atomic<Bytes> fetched_{0};
  std::atomic<Bytes> written_{0};
  std::deque<Source> sources_;       // newest first
  std::unique_ptr<FetchPool> pool_;  // last: its tasks end before the members that they use
};

Result<RestoredPages> PageRestore::run() {
  TRY(check_chain());
  TRY(start());
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    TRY(fetch_ahead(i));
    TRY(schedule(sources_[i]));
  }
  // Now every run of every file is decoded. An earlier checksum would cover only a part.
  TRY(pool_->drain());
  for (const Source& source : sources_) TRY(check_sums(source));
  TRY(check_complete());
  TRY(report());
  return RestoredPages{page_size_, commit_, fetched_};
}

Result<void> PageRestore::check_chain() const {
  Txid reach{0};
  for (const StoredFile& file : request_.plan.files) {
    if (file.txids.first > reach.next() || file.txids.last <= reach) {
      return fail(Code::Corrupt, "gap: {} does not continue TXID {}",
                  file_key(request_.style, file.level, file.txids), reach);
    }
    reach = file.txids.last;
  }
  WW_CHECK(reach == request_.plan.reached && reach != Txid{0});
  return {};
}

Result<void> PageRestore::start() {
  WW_CHECK(sources_.empty());
  const auto& files = request_.plan.files;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    sources_.emplace_back(file_key(request_.style, file->level, file->txids), *file);
  }
  store_ = TRY(request_.open_store(request_.cancelled));
  auto progress = TRY(os::Wakeup::create());
  pool_ = std::make_unique<FetchPool>(std::move(progress), [this] { return report(); });
  const unsigned cores = std::thread::hardware_concurrency();
  for (unsigned i = 0; i < std::clamp(cores, lanes_.fewest_threads, lanes_.most_threads); ++i) {
    auto store = TRY(request_.open_store([pool = pool_.get()] { return pool->stopping().load(); }));
    TRY(pool_->add_thread(std::move(store)));
  }
  return {};
}

Result<void> PageRestore::report() const {
  if (request_.cancelled && request_.cancelled()) {
    return fail(Code::Cancelled, "restore: interrupted");
  }
  if (request_.on_progress) request_.on_progress({fetched_, request_.plan.bytes});
  return {};
}

Result<void> PageRestore::fetch_ahead(std::size_t next) {
  const std::size_t end = std::min(sources_.size(), next + lanes_.files_ahead);
  for (std::size_t i = next; i < end; ++i) {
    Source& source = sources_[i];
    if (!source.is_small() || source.is_requested) continue;
    source.is_requested = true;
    TRY(pool_->submit([this, &source](FetchPool::Worker& worker) -> Result<void> {
      TRY(fetch_range(*worker.store, source.key, {0, source.size}, source.whole,
                      &pool_->stopping()));
      fetched_ += source.size;
      source.is_fetched = true;
      return {};
    }));
  }
  return {};
}

// Reads by the owner itself. The span is valid until the next read.
Result<ByteSpan> PageRestore::read(Source& source, Bytes offset, Bytes length) {
  if (source.is_small()) return ByteSpan(source.whole).subspan(offset, length);
  TRY(report());
  TRY(fetch_range(*store_, source.key, {offset, length}, piece_));
  fetched_ += length;
  return ByteSpan(piece_);
}

Result<void> PageRestore::schedule(Source& source) {
  if (source.size < ltx::kSmallestFileBytes) {
    return fail(Code::Corrupt, "{}: cut off at {} bytes", source.key, source.size);
  }
  if (source.is_small()) {
    TRY(pool_->wait_until([&] { return source.is_fetched.load(); }));
  }
  TRY(take_header(source));
  const ByteSpan tail = TRY(read(source, source.size - kTailBytes, kTailBytes));
  std::array<std::byte, kTailBytes> kept;
  std::ranges::copy(tail, kept.begin());
  source.trailer =
      TRY(ltx::parse_trailer(ByteSpan(kept).subspan(8), source.header).context(source.key));
  const Bytes index_bytes = load_be64(kept);
  const Bytes around_index = ltx::kHeaderBytes + ltx::kPageHeaderBytes + kTailBytes;
  if (index_bytes < 1 || index_bytes > source.size - around_index) {
    return fail(Code::Corrupt, "{}: page index of {} bytes", source.key, index_bytes);
  }
  TRY(schedule_frames(source, source.size - kTailBytes - index_bytes, index_bytes));
  source.tail.update(ByteSpan(kept).first(16));  // index size, database checksum
  return {};
}

Result<void> PageRestore::take_header(Source& source) {
  const ByteSpan bytes = TRY(read(source, 0, ltx::kHeaderBytes));
  source.head.update(bytes);
  source.header = TRY(ltx::parse_header(bytes).context(source.key));
  if (source.header.txids != source.txids) {
    return fail(Code::Corrupt, "{}: its header says TXIDs {} to {}", source.key,
                source.header.txids.first, source.header.txids.last);
  }
  if (commit_ == 0) return begin_output(source.header).context(source.key);
  if (source.header.page_size != page_size_) {
    return fail(Code::Corrupt, "{}: pages of {} bytes, but {} in later files", source.key,
                source.header.page_size, page_size_);
  }
  return {};
}

Result<void> PageRestore::begin_output(const ltx::Header& newest) {
  WW_CHECK(page_size_.value == 0 && covered_.empty());  // the newest file comes first
  if (newest.commit == 0) return fail(Code::Corrupt, "a database of no pages");
  page_size_ = newest.page_size;
  commit_ = newest.commit;
  // Every page is in some file, so a commit that the files cannot hold is damage. They could hold
  // far more than they do, so space is reserved only as pages are found.
  std::uint64_t most = 1;  // the lock page
  for (const Source& source : sources_) most += ltx::most_pages_in(source.size, page_size_);
  if (commit_ > most) {
    return fail(Code::Corrupt, "its header says {} pages, and the stored files hold {} at most",
                commit_, most);
  }
  TRY(space_.begin(Bytes{commit_} * page_size_.value));
  if (request_.sums == nullptr) return {};
  TRY(request_.sums->resize(0));  // so that no old sum stays, not even of the lock page
  return request_.sums->resize(commit_);
}

// Reads the index piece by piece and hands out runs of frames.
Result<void> PageRestore::schedule_frames(Source& source, Bytes index_begin, Bytes index_bytes) {
  const Bytes end_marker = index_begin - ltx::kPageHeaderBytes;
  const ByteSpan marker = TRY(read(source, end_marker, ltx::kPageHeaderBytes));
  source.tail.update(marker);
  if (std::ranges::any_of(marker, [](std::byte byte) { return byte != std::byte{0}; })) {
    return fail(Code::Corrupt, "{}: page index does not follow the pages", source.key);
  }
  ltx::IndexParser parser(source.header);
  Run run{ltx::kHeaderBytes, 0, {}};
  std::vector<ltx::IndexEntry> entries;
  for (Bytes at = 0; at < index_bytes; at += kIndexPieceBytes) {
    const ByteSpan piece =
        TRY(read(source, index_begin + at, std::min(kIndexPieceBytes, index_bytes - at)));
    source.tail.update(piece);
    entries.clear();
    TRY(parser.feed(piece, entries).context(source.key));
    for (const ltx::IndexEntry& entry : entries) {
      const bool counts = entry.pgno.value <= commit_ && !covered_.contains(entry.pgno);
      if (counts) covered_.add(entry.pgno);
      run.frames.push_back({entry.pgno, static_cast<std::uint32_t>(entry.size), counts});
      run.length += entry.size;
      if (source.is_small()) continue;
      if (run.length < lanes_.run_bytes && run.frames.size() < kRunPages) continue;
      const Bytes next = run.offset + run.length;
      TRY(submit(source, std::exchange(run, {next, 0, {}})));
    }
    TRY(space_.reserve((Bytes{covered_.size()} + 1) * page_size_.value));
  }
  if (!parser.ended() || parser.frames_end() != end_marker) {
    return fail(Code::Corrupt, "{}: page index does not match the pages", source.key);
  }
  return submit(source, std::move(run));
}

Result<void> PageRestore::submit(Source& source, Run run) {
  if (run.frames.empty()) return {};
  WW_CHECK(run.offset >= ltx::kHeaderBytes && run.length > 0);
  // A deque: its elements do not move, and each task refers to its own.
  Decoded& decoded = source.decoded.emplace_back();
  return pool_->submit([this, &source, run = std::move(run), &decoded](FetchPool::Worker& worker) {
    return apply(source, run, decoded, worker);
  });
}

// On a worker thread.
Result<void> PageRestore::apply(Source& source, const Run& run, Decoded& decoded,
                                FetchPool::Worker& worker) {
  ByteSpan bytes;
  if (source.is_small()) {
    bytes = ByteSpan(source.whole).subspan(run.offset, run.length);
  } else {
    TRY(fetch_range(*worker.store, source.key, {run.offset, run.length}, worker.fetched,
                    &pool_->stopping()));
    fetched_ += run.length;
    bytes = worker.fetched;
  }
  WW_CHECK(bytes.size() == run.length);
  const std::size_t page_bytes = page_size_.value;
  worker.decoded.resize(kWriteBytes);
  const MutableByteSpan pages(worker.decoded);
  Pgno first{0};  // of the pages that wait in `pages`
  std::size_t filled = 0;
  for (const Frame& frame : run.frames) {
    if (pool_->stopping()) return fail(Code::Cancelled, "interrupted");
    const Pgno adjacent{first.value + static_cast<std::uint32_t>(filled / page_bytes)};
    if (filled == pages.size() || (frame.counts && frame.pgno != adjacent)) {
      TRY(write(first, pages.first(filled)));
      filled = 0;
    }
    const MutableByteSpan page = pages.subspan(filled, page_bytes);
    const Pgno pgno = TRY(ltx::decode_page_frame(bytes.first(frame.size), page, decoded.checksum)
                              .context(source.key));
    if (pgno != frame.pgno) {
      return fail(Code::Corrupt, "{}: page {} where its index has page {}", source.key, pgno,
                  frame.pgno);
    }
    bytes = bytes.subspan(frame.size);
    if (source.carries_full_checksum()) decoded.database_checksum ^= ltx::page_checksum(pgno, page);
    if (!frame.counts) continue;
    // Each page counts once across all files, so no two threads write one sum.
    if (request_.sums != nullptr) request_.sums->set(pgno, page_sum(page), source.txids.last);
    if (filled == 0) first = pgno;
    filled += page_bytes;
    WW_CHECK(filled <= pages.size());
  }
  WW_CHECK(bytes.empty());  // the frames of a run are all of its bytes
  TRY(write(first, pages.first(filled)));
  if (source.is_small()) ByteVector().swap(source.whole);  // its only run
  return {};
}

Result<void> PageRestore::write(Pgno first, ByteSpan pages) {
  if (pages.empty()) return {};
  // Pages above the size of the newest file do not count, because the database has shrunk since.
  WW_CHECK(first.value > 0 && pages.size() % page_size_.value == 0);
  WW_CHECK(first.value - 1 + pages.size() / page_size_.value <= commit_);
  TRY(file_.write_at(pages, (Bytes{first.value} - 1) * page_size_.value));
  const Bytes before = written_.fetch_add(pages.size());
  if (before / kSyncEvery == (before + pages.size()) / kSyncEvery) return {};
  return file_.sync();
}

Result<void> PageRestore::check_sums(const Source& source) const {
  ltx::Crc64 checksum = source.head;
  std::uint64_t database_checksum = ltx::kChecksumFlag;
  for (const Decoded& decoded : source.decoded) {
    checksum.combine(decoded.checksum.value(), decoded.checksum.length());
    database_checksum ^= decoded.database_checksum;
  }
  checksum.combine(source.tail.value(), source.tail.length());
  if ((checksum.value() | ltx::kChecksumFlag) != source.trailer.file_checksum) {
    return fail(Code::Corrupt, "{}: file checksum differs", source.key);
  }
  if (source.carries_full_checksum() &&
      (database_checksum | ltx::kChecksumFlag) != source.trailer.post_apply_checksum) {
    return fail(Code::Corrupt, "{}: database checksum differs", source.key);
  }
  return {};
}

Result<void> PageRestore::check_complete() const {
  WW_CHECK(covered_.size() <= commit_);
  if (covered_.size() == ltx::full_image_pages(commit_, page_size_)) return {};
  for (std::uint32_t value = 1; value <= commit_; ++value) {
    const Pgno pgno{value};
    if (covered_.contains(pgno) || pgno == lock_page(page_size_)) continue;
    return fail(Code::Corrupt, "page {} of {}: no file up to {} contains it", pgno, commit_,
                sources_.front().key);
  }
  return {};
}

}  // namespace

Result<RestoredPages> restore_pages(const RestoreRequest& request, os::File& file) {
  return PageRestore(request, file).run();
}

}  // namespace walwrap::replication
