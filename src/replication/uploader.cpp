#include "walwrap/replication/uploader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "walwrap/base/progress.hpp"
#include "walwrap/ltx/verifier.hpp"
#include "walwrap/replication/restore.hpp"

namespace walwrap::replication {
namespace {

// A batch up to this size (of pages, before compression) is held in memory while the store is
// slow or away; a larger one streams.
constexpr Bytes kMemoryBatch = 4ULL << 20;
// Sums kept in memory while a batch is on its way: 8 MiB. A batch of more pages is read back from
// the store for its sums.
constexpr std::size_t kMostSums = 1U << 20;
// The saved state may be this old: what was stored since is read back from the store on resume, so
// these bound that work. Saving costs two fsyncs on the app's disk.
constexpr std::chrono::seconds kSaveEvery{5};
constexpr std::uint64_t kSaveEveryUploads = 1024;
// For whoever reads these fields as a litestream that takes over: "nothing is known about your
// log", which always ends in a full image. Source: docs/formats.md, "WAL fields".
constexpr std::int64_t kWalStart = 32;

}  // namespace

struct Uploader::Encoded {
  ByteVector bytes;                 // empty for a batch that streams
  std::vector<std::uint64_t> sums;  // of the pages, in order
  bool has_sums = true;
  std::uint64_t file_checksum = 0;
  Bytes size = 0;
};

Uploader::Uploader(Parts parts, const os::Clock& clock, const Log& log)
    : parts_(std::move(parts)),
      clock_(clock),
      log_(log),
      state_(parts_.state),
      saved_at_(clock.mono()),
      saved_txid_(state_.txid) {}

UploadDone Uploader::run(UploadJob job, const Release& release) {
  const MonoTime started = clock_.mono();
  const LetGo let_go = [&] {
    if (!job.snapshot) return;
    job.snapshot->end();
    release(std::move(job.snapshot));
  };
  UploadDone done;
  switch (job.kind) {
    case UploadJob::Kind::Compare:
      done = compare(job);
      break;
    case UploadJob::Kind::Changes:
      done = upload(job, let_go);
      break;
    case UploadJob::Kind::Snapshot:
      done = upload_snapshot(job, let_go);
      break;
  }
  let_go();
  parts_.on_streamed(0);
  done.kind = job.kind;
  done.txid = state_.txid;
  done.pages = state_.pages;
  done.started = started;
  done.took = clock_.mono() - started;
  return done;
}

UploadDone Uploader::compare(const UploadJob& job) {
  UploadDone done;
  ByteVector page(job.page_size.value);
  job.pages.for_each([&](Pgno pgno) {
    const auto read = job.snapshot->read_page(pgno, page);
    if (!read) done.trouble = read.error().text;
    if (!read || page_sum(page) != parts_.sums.get(pgno)) done.to_store.add(pgno);
  });
  // A database that has shrunk is news even if no page that is left differs.
  if (job.commit != state_.pages) done.to_store.add(Pgno{1});
  if (done.to_store.empty() && state_.txid.value > 0) {
    state_.wal = job.covers;
    unsaved_ = true;
  }
  log_.info("database compared with what is stored",
            {{"pages", job.pages.size()}, {"differ", done.to_store.size()}});
  return done;
}

UploadDone Uploader::upload(UploadJob& job, const LetGo& let_go) {
  if (!parts_.store) {
    let_go();  // it must not wait for a store
    return connect(job);
  }
  const Txid txid = state_.txid.next();
  const ltx::Header header = header_for(job, {txid, txid});
  const bool streams = job.pages.size() * job.page_size.value > kMemoryBatch;
  Encoded encoded;
  storage::Body body;
  if (streams) {
    body = [&](const WriteFn& sink) { return encode(job, header, sink, encoded); };
  } else {
    const auto in_memory = encode_to_memory(job, header, encoded);
    let_go();
    if (!in_memory) return give_back(job, in_memory.error());
    body = storage::body_of(encoded.bytes);
  }
  const bool holds_snapshot = job.snapshot != nullptr;  // which must not wait for a store
  const auto repeat = holds_snapshot ? storage::Repeat::Once : storage::Repeat::UntilAnswered;
  const auto stored = put(header, body, encoded, repeat);
  let_go();
  // Whatever it is, repeating the same bytes does not mend it: the pages are offered anew.
  if (!stored) return give_back(job, stored.error());
  if (const auto noted = acknowledge(job, encoded); !noted) return give_back(job, noted.error());
  return UploadDone{.stored = true, .bytes = encoded.size};
}

// The sums say which pages are news: what is stored and the snapshot are one state before the file
// that claims so is made of it.
UploadDone Uploader::upload_snapshot(UploadJob& job, const LetGo& let_go) {
  if (!parts_.store) {
    let_go();
    UploadDone done = connect(job);
    return {.trouble = done.trouble,
            .stop = done.stop,
            .compare_again = true,
            .snapshot = {.trouble = "the store has not been reached yet"}};
  }
  UploadDone done = compare(job);
  if (!done.trouble.empty()) {
    return {.trouble = done.trouble, .compare_again = true, .snapshot = {.trouble = done.trouble}};
  }
  if (!done.to_store.empty()) {
    std::swap(job.pages, done.to_store);
    auto changes = upload(job, [] {});
    if (!changes.stored) {
      changes.snapshot.trouble = changes.trouble;
      return changes;
    }
    std::swap(job.pages, done.to_store);
    done = std::move(changes);
  }
  done.stored = true;
  const auto put = put_snapshot(job);
  if (put) {
    done.snapshot.bytes = *put;
    done.bytes += *put;
  } else {
    done.snapshot.trouble = put.error().text;
  }
  return done;
}

Result<Bytes> Uploader::put_snapshot(const UploadJob& job) {
  const MonoTime begun = clock_.mono();
  const TxidRange txids{Txid{1}, state_.txid};
  const ltx::Header header = header_for(job, txids);
  Encoded encoded;
  const storage::Body body = [&](const WriteFn& sink) {
    const WriteFn unless_hurried = [&](ByteSpan bytes) -> Result<void> {
      if (parts_.is_hurried()) return fail(Code::Cancelled, "a stop has begun");
      return sink(bytes);
    };
    return encode(job, header, unless_hurried, encoded);
  };
  const auto stored = parts_.store->put(file_key(parts_.style, kSnapshotLevel, txids), body,
                                        {.mode = storage::PutMode::CreateOnly,
                                         .timestamp = header.timestamp,
                                         .repeat = storage::Repeat::Once});
  // Of one TXID there is one state, whoever has put it there.
  if (!stored && stored.error().code != Code::Exists) return fail(stored.error());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - begun);
  log_.info("snapshot stored",
            {{"txid", state_.txid}, {"bytes", encoded.size}, {"took_ms", took.count()}});
  return encoded.size;
}

// The pages are offered anew in any case: what was known of them may have changed.
UploadDone Uploader::connect(UploadJob& job) {
  const Txid before = state_.txid;
  auto store = parts_.connect(state_, parts_.sums);
  if (!store) return give_back(job, store.error());
  // Before the first upload: a crash right after it must find this writer's name in the state.
  const auto saved = save(false).context("save the state");
  if (!saved) return give_back(job, saved.error());
  parts_.store = *std::move(store);
  auto done = give_back(job, {});
  done.compare_again = state_.txid != before;
  return done;
}

UploadDone Uploader::give_back(UploadJob& job, const Error& error) {
  UploadDone done;
  done.to_store = std::move(job.pages);
  done.trouble = error.text;
  done.stop = error.code == Code::Mismatch;
  return done;
}

ltx::Header Uploader::header_for(const UploadJob& job, TxidRange txids) const {
  return ltx::Header{.page_size = job.page_size,
                     .commit = job.commit,
                     .txids = txids,
                     .timestamp = clock_.wall(),
                     .wal = {.offset = kWalStart,
                             .size = static_cast<std::int64_t>(wal::frame_bytes(job.page_size))},
                     .node = state_.writer};
}

Result<void> Uploader::encode(const UploadJob& job, const ltx::Header& header, const WriteFn& sink,
                              Encoded& encoded) const {
  encoded.sums.clear();
  encoded.has_sums = job.pages.size() <= kMostSums;
  // A broken file in a chain would be noticed only by a restore, when it is too late.
  ltx::Verifier verifier(header, job.pages);
  const WriteFn verified = [&](ByteSpan bytes) -> Result<void> {
    TRY(verifier.feed(bytes).context("check what was encoded"));
    return sink(bytes);
  };
  auto encoder = TRY(parts_.start_encoder(header, verified));
  ByteVector page(job.page_size.value);
  // Never a bar: the terminal is the app's.
  walwrap::Progress shown(walwrap::Progress::Style::Lines, "storing", clock_.mono());
  const Bytes total = job.pages.size() * job.page_size.value;
  Bytes done = 0;
  Pgno after{0};
  for (auto batch = job.pages.next(after, 1024); !batch.empty();
       batch = job.pages.next(after, 1024)) {
    for (const Pgno pgno : batch) {
      TRY(job.snapshot->read_page(pgno, page));
      if (encoded.has_sums) encoded.sums.push_back(page_sum(page));
      TRY(encoder.add_page(pgno, page));
    }
    after = batch.back();
    done += batch.size() * job.page_size.value;
    if (total > kMemoryBatch) parts_.on_streamed(done);
    if (shown.on_progress(done, total, clock_.mono())) {
      log_.info("storing", {{"bytes", done}, {"of_bytes", total}});
    }
  }
  const auto finished = TRY(encoder.finish());
  TRY(verifier.finish().context("check what was encoded"));
  encoded.file_checksum = finished.file_checksum;
  encoded.size = finished.size;
  return {};
}

Result<void> Uploader::encode_to_memory(const UploadJob& job, const ltx::Header& header,
                                        Encoded& encoded) const {
  const WriteFn sink = [&encoded](ByteSpan bytes) -> Result<void> {
    encoded.bytes.insert(encoded.bytes.end(), bytes.begin(), bytes.end());
    return {};
  };
  return encode(job, header, sink, encoded).context("encode");
}

Result<void> Uploader::put(const ltx::Header& header, const storage::Body& body,
                           const Encoded& encoded, storage::Repeat repeat) {
  const std::string key = file_key(parts_.style, kUploadLevel, header.txids);
  auto result = parts_.store->put(
      key, body,
      {.mode = storage::PutMode::CreateOnly, .timestamp = header.timestamp, .repeat = repeat});
  if (result || result.error().code != Code::Exists) return result;
  return settle_existing(key, encoded);
}

// The name is taken: by us, if an earlier answer was lost, or by another writer (Law 8).
Result<void> Uploader::settle_existing(const std::string& key, const Encoded& encoded) {
  const auto header = TRY(read_header(*parts_.store, key));
  if (header.node != state_.writer) {
    return fail(Code::Mismatch, "{} was written by another writer ({}); this one ({}) stops", key,
                header.node, state_.writer);
  }
  const auto info = TRY(parts_.store->head(key));
  std::array<std::byte, ltx::kTrailerBytes> trailer{};
  std::size_t got = 0;
  TRY(parts_.store->get(key, {info.size - trailer.size(), trailer.size()},
                        [&](ByteSpan bytes) -> Result<void> {
                          const auto n = std::min(bytes.size(), trailer.size() - got);
                          std::memcpy(trailer.data() + got, bytes.data(), n);
                          got += n;
                          return {};
                        }));
  const auto parsed = TRY(ltx::parse_trailer(trailer, header));
  if (info.size == encoded.size && parsed.file_checksum == encoded.file_checksum) return {};
  TRY(adopt_own_slot());
  return fail(Code::Unavailable, "an earlier attempt at {} had been stored after all", key);
}

// An earlier attempt of ours was stored, with the pages as they were then. It counts; what we
// hold now goes into the next slot.
Result<void> Uploader::adopt_own_slot() {
  const Txid txid = state_.txid.next();
  const StoredFile file{.level = kUploadLevel, .txids = {txid, txid}};
  const auto applied =
      TRY(apply_to_sums(*parts_.store, parts_.style, std::span(&file, 1), parts_.sums));
  state_.txid = txid;
  state_.stored_by = state_.writer;
  state_.pages = applied.pages;
  state_.page_size = applied.page_size;
  unsaved_ = true;
  return {};
}

Result<void> Uploader::acknowledge(const UploadJob& job, const Encoded& encoded) {
  if (!encoded.has_sums) {
    TRY(adopt_own_slot().context("read back the sums of a large batch"));
  } else {
    TRY(parts_.sums.resize(job.commit));
    std::size_t i = 0;
    state_.txid = state_.txid.next();
    job.pages.for_each([&](Pgno pgno) { parts_.sums.set(pgno, encoded.sums[i++], state_.txid); });
    state_.stored_by = state_.writer;
    state_.pages = job.commit;
    state_.page_size = job.page_size;
  }
  state_.wal = job.covers;
  state_.clean = false;
  unsaved_ = true;
  log_.debug("ltx stored",
             {{"txid", state_.txid}, {"pages", job.pages.size()}, {"bytes", encoded.size}});
  return {};
}

MonoTime Uploader::save_due() const {
  if (!unsaved_) return MonoTime::max();
  const bool many = state_.txid.value - saved_txid_.value >= kSaveEveryUploads;
  return many ? saved_at_ : saved_at_ + kSaveEvery;
}

void Uploader::save_if_due(MonoTime now) {
  if (now < save_due()) return;
  const auto saved = save(false);
  if (!saved) log_.warn("state not saved", {{"cause", saved.error().text}});
  saved_at_ = now;
}

Result<void> Uploader::save(bool clean) {
  state_.clean = clean;
  state_.saved = clock_.wall();
  // The sums first: a state may only ever be older than they are.
  TRY(parts_.sums.sync());
  TRY(parts_.directory.save(state_));
  saved_txid_ = state_.txid;
  saved_at_ = clock_.mono();
  unsaved_ = false;
  return {};
}

}  // namespace walwrap::replication
