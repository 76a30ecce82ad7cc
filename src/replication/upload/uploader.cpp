#include "walwrap/replication/upload/uploader.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/replication/replica/fetch.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/stored_file.hpp"
#include "walwrap/replication/upload/upload_file.hpp"

namespace walwrap::replication {
namespace {

// The saved state may be this old: what was stored since is read back from the store on resume, so
// these bound that work. Saving costs two fsyncs on the app's disk.
constexpr std::chrono::seconds kSaveEvery{5};
constexpr std::uint64_t kSaveEveryUploads = 1024;
// A snapshot that mends the chain is stored in a hurry as well, up to so many bytes of pages.
constexpr const char* kRecalled = "the log has become too long meanwhile";
// The store would have been asked again, had no snapshot waited.
bool is_unanswered(const Error& error) {
  return error.code == Code::Unavailable || error.code == Code::Unknown;
}

}  // namespace

Uploader::Uploader(Dependencies deps, const os::Clock& clock, const Log& log)
    : deps_(std::move(deps)),
      clock_(clock),
      log_(log),
      encoder_({.on_streamed = deps_.on_streamed, .start_encoder = deps_.start_encoder}, clock,
               log),
      state_(deps_.state),
      watch_(deps_.store.get(), clock.mono()),
      saved_at_(clock.mono()),
      saved_txid_(state_.txid) {}

UploadDone Uploader::run(UploadJob job, const Release& release) {
  WW_CHECK(!held_);
  const MonoTime started = clock_.mono();
  const LetGo let_go = [&] {
    if (!job.snapshot) return;
    job.snapshot->end();
    release(std::move(job.snapshot));
  };
  forget_changed(job);
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
  deps_.on_streamed(0);
  if (!done.recalled) copy_.reset();
  was_recalled_ = was_recalled_ || done.recalled;
  done.kind = job.kind;
  done.txid = state_.txid;
  done.pages = state_.pages;
  done.started = started;
  done.took = clock_.mono() - started;
  done.merged = std::exchange(merged_, 0);
  done.compare_again = std::exchange(moved_, false) || done.compare_again;
  has_stored_ = has_stored_ || done.stored;
  if (job.kind == UploadJob::Kind::Changes && done.stored && job.snapshot) {
    held_ = std::move(job);  // for the merge that follows
  } else {
    let_go();
    done.wants_frames = levels_ && levels_->is_due(Level{1}, state_.txid.next());
  }
  return done;
}

// What an earlier attempt has found out of pages holds for those that have not changed since.
void Uploader::forget_changed(const UploadJob& job) {
  const bool is_usable = job.continues && copy_ && copy_->page_size() == job.page_size;
  if (is_usable) {
    copy_->forget(job.changed, Pgno{job.commit});
  } else {
    copy_.reset();
  }
  if (!job.continues) equal_.clear();
  job.changed.for_each([this](Pgno pgno) { equal_.remove(pgno); });
  equal_.remove_above(Pgno{job.commit});
}

ReadPage Uploader::reads(const UploadJob& job) const {
  return [this, &job](Pgno pgno, MutableByteSpan page) -> Result<void> {
    if (deps_.is_recalled()) return fail(Code::Cancelled, kRecalled);
    return job.snapshot->read_page(pgno, page);
  };
}

Result<void> Uploader::copy_pages(const UploadJob& job) {
  if (!copy_) copy_ = TRY(PageCopy::create(*deps_.copies_in, job.page_size));
  return copy_missing(job.pages, reads(job), *copy_);
}

UploadDone Uploader::compare(const UploadJob& job) {
  UploadDone done;
  const auto read_page = reads(job);
  ByteVector page(job.page_size.value);
  job.pages.for_each([&](Pgno pgno) {
    if (done.recalled || equal_.contains(pgno)) return;
    const auto read = read_page(pgno, page);
    done.recalled = !read && read.error().code == Code::Cancelled;
    if (done.recalled) return;
    if (!read) done.error = read.error().text;
    if (read && page_sum(page) == deps_.sums.get(pgno)) {
      equal_.add(pgno);
    } else {
      done.to_store.add(pgno);
    }
  });
  if (done.recalled) {
    log_.debug("comparison interrupted, for the log has become too long",
               {{"pages", job.pages.size()}, {"equal", equal_.size()}});
    return done;
  }
  equal_.clear();
  needs_all_ = false;
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
  if (!deps_.store) {
    let_go();  // it must not wait for a store
    return connect(job);
  }
  if (watch_.holds_directory(*deps_.store)) {
    if (const auto ours = require_replica(LookAt::Newest); !ours) {
      return give_back(job, ours.error());
    }
  }
  // Since it was taken the replica has moved back: these pages alone would not lead to this state.
  if (needs_all_) {
    auto done = give_back(job, {Code::Unavailable, "the replica is older than what was stored"});
    done.compare_again = true;
    return done;
  }
  const Txid txid = state_.txid.next();
  const ltx::Header header = header_for(job, {txid, txid});
  SnapshotPages from{.read = reads(job), .pages = job.pages, .header = header};
  const bool streams = from.total() > SnapshotFile::kSmall;
  const bool copies = streams && job.kind == UploadJob::Kind::Changes &&
                      has_room_to_copy(deps_.copies_in, from.total(), was_recalled_);
  const bool merges = !copies && may_merge(job, txid);
  if (copies) {
    const auto copied = copy_pages(job);
    let_go();
    if (!copied) return give_back(job, copied.error());
    from.read = [this](Pgno pgno, MutableByteSpan page) { return copy_->get(pgno, page); };
  }
  Encoded encoded;
  ByteVector in_memory;
  storage::Body body = [&](const WriteFn& sink) -> Result<void> {
    encoded = TRY(encoder_.encode(from, sink));
    return {};
  };
  if (!streams) {
    auto bytes = encode_to_memory(encoder_, from, encoded);
    if (!bytes || !merges) let_go();
    if (!bytes) return give_back(job, bytes.error());
    in_memory = *std::move(bytes);
    body = storage::body_of(in_memory);
  }
  const bool holds_snapshot = job.snapshot != nullptr;  // which must not wait for a store
  const auto repeat = holds_snapshot ? storage::Repeat::Once : storage::Repeat::UntilAnswered;
  auto stored = put(header, body, encoded, repeat);
  if (!stored || !merges) let_go();
  const bool was_let_go = holds_snapshot && !job.snapshot;
  if (!stored && was_let_go && !streams && is_unanswered(stored.error())) {
    stored = put(header, body, encoded, storage::Repeat::UntilAnswered);
  }
  // Whatever it is, repeating the same bytes does not mend it: the pages are offered again.
  if (!stored) return give_back(job, stored.error());
  if (const auto noted = acknowledge(job, encoded); !noted) return give_back(job, noted.error());
  watch_.on_stored(clock_.mono());
  if (watch_.holds_directory(*deps_.store)) {
    ignore(require_replica(LookAt::Newest), "then it is not reported as stored");
  }
  return UploadDone{.stored = true, .bytes = encoded.size};
}

// The sums say which pages are news: what is stored and the snapshot are one state before the file
// that claims so is made of it.
UploadDone Uploader::upload_snapshot(UploadJob& job, const LetGo& let_go) {
  if (!deps_.store) {
    let_go();
    UploadDone done = connect(job);
    return {.error = done.error,
            .stop = done.stop,
            .compare_again = true,
            .snapshot = {.error = "the store has not been reached yet"}};
  }
  UploadDone done = compare(job);
  if (done.recalled) done.error = kRecalled;
  if (!done.error.empty()) {
    return {.error = done.error, .compare_again = true, .snapshot = {.error = done.error}};
  }
  if (!done.to_store.empty()) {
    std::swap(job.pages, done.to_store);
    auto changes = upload(job, [] {});
    if (!changes.stored) {
      changes.snapshot.error = changes.recalled ? kRecalled : changes.error;
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
    done.snapshot.error = put.error().text;
  }
  return done;
}

Result<Bytes> Uploader::put_snapshot(const UploadJob& job) {
  const MonoTime begun = clock_.mono();
  const TxidRange txids{Txid{1}, state_.txid};
  const Bytes bytes = TRY(put_merged(job, job.pages, kSnapshotLevel, txids));
  if (levels_) levels_->on_stored(kSnapshotLevel, txids.last);
  watch_.on_snapshot(clock_.mono());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - begun);
  log_.info("snapshot stored",
            {{"txid", state_.txid}, {"bytes", bytes}, {"took_ms", took.count()}});
  return bytes;
}

Result<Bytes> Uploader::put_merged(const UploadJob& job, const PageSet& pages, Level level,
                                   TxidRange txids) {
  const SnapshotPages from{.read = reads(job), .pages = pages, .header = header_for(job, txids)};
  // Without it the last flush would fail, but a large one would not be ready in time.
  const bool mends = !watch_.report().broken.empty() && from.total() <= kLargestHurriedSnapshot;
  Encoded encoded;
  const storage::Body body = [&](const WriteFn& sink) -> Result<void> {
    const WriteFn unless_hurried = [&](ByteSpan bytes) -> Result<void> {
      if (deps_.is_hurried() && !mends) return fail(Code::Cancelled, "a stop has begun");
      return sink(bytes);
    };
    encoded = TRY(encoder_.encode(from, unless_hurried));
    return {};
  };
  const auto stored = deps_.store->put(file_key(deps_.style, level, txids), body,
                                       {.mode = storage::PutMode::CreateOnly,
                                        .timestamp = from.header.timestamp,
                                        .repeat = storage::Repeat::Once});
  // Of one TXID there is one state, whichever writer put it there.
  if (!stored && stored.error().code != Code::Exists) return fail(stored.error());
  return encoded.size;
}

bool Uploader::may_merge(const UploadJob& job, Txid txid) const {
  return job.kind == UploadJob::Kind::Changes && job.every_frame && levels_ &&
         levels_->is_due(Level{1}, txid) && !deps_.is_hurried();
}

void Uploader::merge(const Release& release) {
  if (held_) {
    merge_levels(*held_);
    deps_.on_streamed(0);
    held_->snapshot->end();
    release(std::move(held_->snapshot));
    held_.reset();
  }
  if (!levels_ && has_stored_ && !deps_.is_hurried()) learn_levels();
}

// Nothing is asked before there is anything to merge.
void Uploader::learn_levels() {
  if (!Compaction({}, deps_.levels).is_due(Level{1}, state_.txid)) return;
  const auto listing = list_merged(*deps_.store, deps_.style);
  if (listing) {
    levels_.emplace(listing->files, deps_.levels);
  } else {
    log_.debug("levels not listed", {{"cause", listing.error().text}});
  }
}

void Uploader::merge_levels(const UploadJob& job) {
  if (!levels_->has_begun()) {
    put_if_worth(job, kSnapshotLevel);
    return;
  }
  for (Level level{1}; level <= kHighestCompacted && levels_->is_due(level, state_.txid);
       ++level.value) {
    if (!put_if_worth(job, level)) return;
  }
}

// false: not now.
bool Uploader::put_if_worth(const UploadJob& job, Level level) {
  const TxidRange txids{levels_->end_of(level).next(), state_.txid};
  PageSet pages = deps_.sums.stored_after(levels_->end_of(level));
  pages.remove_above(Pgno{job.commit});
  pages.remove(lock_page(job.page_size));  // Law 7
  if (!levels_->is_worth(level, state_.txid, pages.size() * job.page_size.value)) {
    levels_->postpone(state_.txid);
    return false;
  }
  const auto stored = put_merged(job, pages, level, txids);
  if (!stored) {
    levels_->postpone(state_.txid);
    if (stored.error().code == Code::Cancelled) return false;
    log_.warn("compacted file not stored", {{"level", level}, {"cause", stored.error().text}});
    return false;
  }
  merged_ += *stored;
  levels_->on_stored(level, state_.txid);
  log_.debug("compacted file stored", {{"level", level},
                                       {"first", txids.first},
                                       {"txid", txids.last},
                                       {"pages", pages.size()},
                                       {"bytes", *stored}});
  return true;
}

// The pages are offered again in any case: what was known of them may have changed.
UploadDone Uploader::connect(UploadJob& job) {
  const auto reached = reach_store();
  return give_back(job, reached ? Error{} : reached.error());
}

Result<void> Uploader::reach_store() {
  const Txid before = state_.txid;
  auto store = TRY(deps_.connect(state_, deps_.sums));
  // Before the first upload: a crash right after it must find this writer's name in the state.
  TRY(save(false).context("save the state"));
  deps_.store = std::move(store);
  watch_ = ReplicaWatch(deps_.store.get(), clock_.mono());
  moved_ = state_.txid != before;
  return {};
}

Result<void> Uploader::require_replica(LookAt what) {
  const auto required = watch_.require({.store = *deps_.store,
                                        .style = deps_.style,
                                        .state = state_,
                                        .sums = deps_.sums,
                                        .log = log_},
                                       what, clock_.mono());
  if (!required || *required == ReplicaWatch::Required::Ours) {
    return required ? Result<void>() : fail(required.error());
  }
  levels_.reset();
  moved_ = needs_all_ = true;
  TRY(save(false).context("save the state"));
  return fail(Code::Unavailable, "the replica is older than what was stored in it");
}

void Uploader::look_if_due(MonoTime now) {
  if (now < look_due()) return;
  ignore(require_replica(watch_.due_look(now)), "the report has it");
}

Result<void> Uploader::verify() {
  if (state_.txid.value == 0) return {};
  if (!deps_.store) TRY(reach_store());
  return watch_.verify(*deps_.store, deps_.style, state_);
}

UploadDone Uploader::give_back(UploadJob& job, const Error& error) {
  UploadDone done;
  done.to_store = std::move(job.pages);
  done.to_store.add_all(std::exchange(adopted_, {}));
  done.recalled = error.code == Code::Cancelled && deps_.is_recalled();
  if (done.recalled) {
    log_.debug("upload interrupted, for the log has become too long",
               {{"pages", done.to_store.size()}, {"copied", copy_ ? copy_->pages().size() : 0}});
    return done;
  }
  done.error = error.text;
  done.stop = error.code == Code::Mismatch;
  return done;
}

ltx::Header Uploader::header_for(const UploadJob& job, TxidRange txids) const {
  return upload_header({job.page_size, job.commit, txids, job.covers}, state_.writer,
                       clock_.wall());
}

Result<void> Uploader::put(const ltx::Header& header, const storage::Body& body,
                           const Encoded& encoded, storage::Repeat repeat) {
  const std::string key = file_key(deps_.style, kUploadLevel, header.txids);
  auto result = deps_.store->put(
      key, body,
      {.mode = storage::PutMode::CreateOnly, .timestamp = header.timestamp, .repeat = repeat});
  if (result || result.error().code != Code::Exists) return result;
  return settle_existing(key, encoded);
}

// The name is taken: by us, if an earlier answer was lost, or by another writer (Law 8).
Result<void> Uploader::settle_existing(const std::string& key, const Encoded& encoded) {
  const auto header = TRY(read_header(*deps_.store, key));
  if (!state_.is_own(header.node)) {
    return fail(Code::Mismatch, "{} was written by another writer ({}); this one ({}) stops", key,
                header.node, state_.writer);
  }
  const auto info = TRY(deps_.store->head(key));
  ByteVector trailer;
  TRY(fetch_range(*deps_.store, key, {info.size - ltx::kTrailerBytes, ltx::kTrailerBytes},
                  trailer));
  const auto parsed = TRY(ltx::parse_trailer(trailer, header));
  if (info.size == encoded.size && parsed.file_checksum == encoded.file_checksum) return {};
  TRY(adopt_slot(header.node));
  // Of an earlier start it may hold pages that this one has not seen change.
  if (header.node != state_.writer) {
    adopted_ = deps_.sums.stored_after(Txid{header.txids.first.value - 1});
  }
  return fail(Code::Unavailable, "an earlier attempt at {} had been stored after all", key);
}

// An earlier attempt of ours, or of an earlier start over this disk, was stored, with the pages as
// they were then. It counts; what we hold now goes into the next slot.
Result<void> Uploader::adopt_slot(RandomId node) {
  const Txid txid = state_.txid.next();
  const StoredFile file{.level = kUploadLevel, .txids = {txid, txid}};
  if (deps_.sums.pages() < state_.pages) TRY(deps_.sums.resize(state_.pages));
  const auto applied =
      TRY(apply_to_sums(*deps_.store, deps_.style, std::span(&file, 1), deps_.sums));
  watch_.on_stored(clock_.mono());
  state_.txid = txid;
  state_.slot.reset();
  deps_.sums.believe_until(txid);
  state_.stored_by = node;
  state_.pages = applied.pages;
  state_.page_size = applied.page_size;
  state_.clean = false;
  unsaved_ = true;
  return {};
}

Result<void> Uploader::acknowledge(const UploadJob& job, const Encoded& encoded) {
  if (!encoded.has_sums) {
    TRY(adopt_slot(state_.writer).context("read back the sums of a large batch"));
  } else {
    TRY(deps_.sums.resize(job.commit));
    std::size_t i = 0;
    state_.txid = state_.txid.next();
    deps_.sums.believe_until(state_.txid);
    job.pages.for_each([&](Pgno pgno) { deps_.sums.set(pgno, encoded.sums[i++], state_.txid); });
    state_.stored_by = state_.writer;
    state_.slot = KnownFile{encoded.size, encoded.file_checksum};
    if (state_.txid == Txid{1}) state_.front = {kUploadLevel, {Txid{1}, Txid{1}}, *state_.slot};
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
  TRY(deps_.sums.sync(state_.lineage, state_.txid));
  TRY(deps_.directory.save(state_));
  saved_txid_ = state_.txid;
  saved_at_ = clock_.mono();
  unsaved_ = false;
  return {};
}

}  // namespace walwrap::replication
