#include "walwrap/replication/upload/uploader.hpp"

#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/replication/replica/fetch.hpp"
#include "walwrap/replication/replica/stored_file.hpp"
#include "walwrap/replication/upload/upload_file.hpp"

namespace walwrap::replication {
namespace {

// A retry would have followed if no snapshot waited.
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
      compactor_({.style = deps_.style,
                  .limits = deps_.levels,
                  .encoder = encoder_,
                  .is_hurried = deps_.is_hurried},
                 clock, log),
      stored_(std::move(deps_.directory), std::move(deps_.sums), std::move(deps_.state), clock,
              log),
      watch_(deps_.store.get(), clock.mono()) {}

// What holds between two jobs.
void Uploader::check_invariants() const {
  // Without a store connection nothing is known of the levels.
  WW_CHECK(deps_.store || !compactor_.knows_levels());
  // The pages of an adopted slot are in the answer of the job that found it.
  WW_CHECK(adopted_.empty());
  // Only a recalled job leaves copies.
  WW_CHECK(!copy_ || was_recalled_);
  WW_CHECK(!copy_ || deps_.copies_in);
  stored_.check_invariants();
}

UploadDone Uploader::run(UploadJob& job) {
  check_invariants();
  WW_CHECK(job.snapshot.is_held());
  const MonoTime started = clock_.mono();
  forget_changed(job);
  UploadDone done =
      std::visit([&](const auto& kind) { return perform(kind, job); }, std::as_const(job.kind));
  WW_CHECK(done.answer.index() == job.kind.index());
  WW_CHECK(!done.recalled || (done.error.empty() && !done.is_stored()));
  deps_.on_streamed(0);
  if (!done.recalled) copy_.reset();
  was_recalled_ = was_recalled_ || done.recalled;
  has_stored_ = has_stored_ || done.is_stored();
  done.txid = stored_.get().txid;
  done.pages = stored_.get().pages;
  done.started = started;
  done.took = clock_.mono() - started;
  done.compacted = compactor_.take_bytes();
  done.compare_again = std::exchange(moved_, false) || done.compare_again;
  // upload() keeps the snapshot only if a compaction follows. That compaction is not requested
  // again, so the next job need not know all frames. If the check after the upload found that the
  // replica has lost uploads, the levels are unknown, and the snapshot belongs to another history.
  const bool compacts = std::holds_alternative<job::Changes>(job.kind) && done.is_stored() &&
                        job.snapshot.is_held() && compactor_.knows_levels();
  if (!compacts) {
    job.snapshot.give_back();
    done.wants_all_frames = compactor_.is_due(stored_.get().txid.next());
  }
  return done;
}

void Uploader::compact(UploadJob job) {
  if (job.snapshot.is_held()) {
    WW_CHECK(std::holds_alternative<job::Changes>(job.kind));
    compactor_.compact(source_of(job));
    deps_.on_streamed(0);
    // Before the levels are listed, because that can take long.
    job.snapshot.give_back();
  }
  if (has_stored_ && !deps_.is_hurried()) compactor_.learn_levels(*deps_.store, stored_.get().txid);
}

Compactor::Source Uploader::source_of(const UploadJob& job) {
  WW_CHECK(deps_.store);
  return {.store = *deps_.store,
          .job = job,
          .state = stored_.get(),
          .sums = stored_.sums(),
          .is_chain_broken = !watch_.report().broken.empty()};
}

// Pages that an earlier attempt copied, or found equal, are valid if they have not changed since.
// If commits may have been missed in between, none are valid.
void Uploader::forget_changed(const UploadJob& job) {
  const bool is_usable = job.continues && copy_ && copy_->page_size() == job.page_size;
  if (is_usable) {
    copy_->forget(job.changed, Pgno{job.commit});
  } else {
    copy_.reset();
  }
  comparison_.forget_changed(job);
}

UploadDone Uploader::perform(const job::Compare& /*compare*/, UploadJob& job) {
  return compare(job);
}

UploadDone Uploader::compare(const UploadJob& job) {
  auto found = comparison_.run(job, stored_.sums());
  if (found.recalled) {
    log_.debug("comparison interrupted, the WAL became too long",
               {{"pages", job.pages.size()}, {"equal", comparison_.equal().size()}});
    return {.answer = answer::Compare{}, .recalled = true};
  }
  needs_all_ = false;
  // A smaller database differs even if none of its remaining pages does: an upload of page 1 stores
  // the new size.
  if (job.commit != stored_.get().pages) found.differ.add(Pgno{1});
  const bool is_equal = found.differ.empty() && stored_.get().txid.value > 0;
  // This WAL, of which nothing was known, holds nothing unstored. Before the replica is reached,
  // the state does not change: the replica is compared with it.
  if (is_equal && deps_.store) stored_.note_equal(job.covers);
  log_.info("database compared with what is stored",
            {{"pages", job.pages.size()}, {"differ", found.differ.size()}});
  return {.answer = answer::Compare{.is_equal = is_equal},
          .to_store = std::move(found.differ),
          .error = std::move(found.error)};
}

// Checks for reasons not to store. nullopt: the replica is the right one, and this job continues
// it.
std::optional<UploadDone> Uploader::refuse(UploadJob& job) {
  WW_CHECK(deps_.store);
  // A directory may have been unmounted or replaced since the last upload, and a check costs
  // nothing. In a bucket the create-only put must be enough.
  if (watch_.holds_directory(*deps_.store)) {
    if (const auto ours = require_replica(LookAt::Newest); !ours) {
      return give_back(job, ours.error());
    }
  }
  if (!needs_all_) return std::nullopt;
  // The replica lost uploads after this job was made: the job's pages alone do not lead from the
  // stored state to the state of the snapshot.
  auto done = give_back(job, {Code::Unavailable, "the replica has lost uploads"});
  done.compare_again = true;
  return done;
}

Uploader::From Uploader::choose_source(const UploadJob& job, Bytes size, Then then) const {
  if (size <= SnapshotFile::kSmall) return From::Memory;
  // A copy is of no use to a snapshot, which reads the whole database once more.
  const bool copies = then == Then::Done && std::holds_alternative<job::Changes>(job.kind) &&
                      has_room_to_copy(deps_.copies_in, size, was_recalled_);
  return copies ? From::Copy : From::Snapshot;
}

bool Uploader::is_compaction_due(const UploadJob& job, Txid txid) const {
  const auto* changes = std::get_if<job::Changes>(&job.kind);
  return changes != nullptr && changes->knows_all_frames && compactor_.is_due(txid) &&
         !deps_.is_hurried();
}

Result<void> Uploader::copy_pages(const UploadJob& job) {
  if (!copy_) copy_ = TRY(PageCopy::create(*deps_.copies_in, job.page_size));
  return copy_missing(job.pages, reads_of(job.snapshot), *copy_);
}

UploadDone Uploader::perform(const job::Changes& /*changes*/, UploadJob& job) {
  if (deps_.store) return upload(job, Then::Done);
  job.snapshot.give_back();  // it must not wait for a store that may be unreachable for hours
  return connect(job);
}

// Stores the pages of the job as the next upload. The table in the header says how they are read.
UploadDone Uploader::upload(UploadJob& job, Then then) {
  if (auto refused = refuse(job)) return *std::move(refused);
  const Txid txid = stored_.get().txid.next();
  const ltx::Header header = upload_header(job, {txid, txid}, stored_.get().writer, clock_.wall());
  SnapshotPages from{.read = reads_of(job.snapshot), .pages = job.pages, .header = header};
  const From source = choose_source(job, from.total(), then);
  const bool compacts = source != From::Copy && is_compaction_due(job, txid);
  const auto let_go = [&] {
    if (then == Then::Done) job.snapshot.give_back();
  };
  if (source == From::Copy) {
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
  if (source == From::Memory) {
    auto bytes = encode_to_memory(encoder_, from, encoded);
    if (!bytes || !compacts) let_go();
    if (!bytes) return give_back(job, bytes.error());
    in_memory = *std::move(bytes);
    body = storage::body_of(in_memory);
  }
  // While the snapshot is held, there is one attempt: the WAL must not wait for a store.
  const bool was_held = job.snapshot.is_held();
  WW_CHECK(was_held == (source == From::Snapshot || compacts || then == Then::StoreSnapshot));
  auto stored =
      put(header, body, encoded, was_held ? storage::Repeat::Once : storage::Repeat::UntilAnswered);
  if (!stored || !compacts) let_go();
  // Bytes in memory no longer need a snapshot. So only the compaction is given up, and the same
  // bytes are sent again. If the file was stored after all, it is then recognised.
  const bool is_free = was_held && !job.snapshot.is_held();
  const bool is_same_slot = stored_.get().txid.next() == txid;  // or it was adopted
  if (!stored && is_free && source == From::Memory && is_same_slot &&
      is_unanswered(stored.error())) {
    stored = put(header, body, encoded, storage::Repeat::UntilAnswered);
  }
  // Sending the same bytes again does not help with any other error. The pages return to the
  // capture, and the next job reads their newer content.
  if (!stored) return give_back(job, stored.error());
  if (const auto noted = stored_.acknowledge(job, txid, encoded, *deps_.store, deps_.style);
      !noted) {
    return give_back(job, noted.error());
  }
  watch_.on_stored(clock_.mono());
  if (watch_.holds_directory(*deps_.store)) {
    ignore(require_replica(LookAt::Newest), "then no client is told that it is stored");
  }
  return UploadDone{.answer = answer::Changes{.stored = true, .bytes = encoded.size}};
}

// A snapshot file claims to be the database as of a TXID. So the stored pages are first made equal
// to the read snapshot: a comparison by sums finds the differences, and one upload stores them.
// Then the snapshot file is made from the same read snapshot, as of the TXID of that upload.
UploadDone Uploader::perform(const job::Snapshot& /*snapshot*/, UploadJob& job) {
  const auto answered = [](UploadDone done, const std::string& error) {
    const auto* changes = std::get_if<answer::Changes>(&done.answer);
    done.answer = answer::Snapshot{.changes = changes != nullptr ? *changes : answer::Changes{},
                                   .error = error};
    return done;
  };
  if (!deps_.store) {
    job.snapshot.give_back();
    UploadDone done = connect(job);
    // The job was to read all pages, so it is not known which are pending. A comparison finds out.
    return answered({.error = done.error, .stop = done.stop, .compare_again = true},
                    "the store has not been reached yet");
  }
  UploadDone compared = compare(job);
  if (compared.recalled) compared.error = kRecalled;
  if (!compared.error.empty()) {
    return answered({.error = compared.error, .compare_again = true}, compared.error);
  }
  answer::Snapshot whole{.changes = {.stored = true}};
  UploadDone done;
  if (!compared.to_store.empty()) {
    PageSet all = std::exchange(job.pages, std::move(compared.to_store));
    done = upload(job, Then::StoreSnapshot);
    if (!done.is_stored()) {
      const std::string error = done.recalled ? kRecalled : done.error;
      return answered(std::move(done), error);
    }
    whole.changes = *done.changes();
    job.pages = std::move(all);
  }
  WW_CHECK(job.snapshot.is_held());
  const auto put = compactor_.put_snapshot(source_of(job));
  if (put) {
    whole.bytes = *put;
    watch_.on_snapshot(clock_.mono());
  } else {
    whole.error = put.error().text;
  }
  done.answer = std::move(whole);
  return done;
}

// The capture gets the pages back in any case and makes another job: a start that reaches the
// replica late may have changed what is known about them.
UploadDone Uploader::connect(UploadJob& job) {
  const auto reached = reach_store();
  return give_back(job, reached ? Error{} : reached.error());
}

Result<void> Uploader::reach_store() {
  const Txid before = stored_.get().txid;
  auto store = TRY(deps_.connect(stored_.state_to_change(), stored_.sums_to_change()));
  // Before the first upload: after a crash the state must have this writer's id.
  TRY(stored_.save(false).context("save the state"));
  deps_.store = std::move(store);
  watch_ = ReplicaWatch(deps_.store.get(), clock_.mono());
  moved_ = stored_.get().txid != before;
  return {};
}

Result<void> Uploader::require_replica(LookAt what) {
  const auto required = watch_.require({.store = *deps_.store,
                                        .style = deps_.style,
                                        .state = stored_.state_to_change(),
                                        .sums = stored_.sums_to_change(),
                                        .log = log_},
                                       what, clock_.mono());
  if (!required || *required == ReplicaWatch::Required::Ours) {
    return required ? Result<void>() : fail(required.error());
  }
  compactor_.forget_levels();
  moved_ = needs_all_ = true;
  TRY(stored_.save(false).context("save the state"));
  return fail(Code::Unavailable, "the replica has lost uploads");
}

void Uploader::look_if_due(MonoTime now) {
  if (now < look_due()) return;
  ignore(require_replica(watch_.due_look(now)), "the report has it");
}

Result<void> Uploader::verify() {
  if (stored_.get().txid.value == 0) return {};
  if (!deps_.store) TRY(reach_store());
  return watch_.verify(*deps_.store, deps_.style, stored_.get());
}

UploadDone Uploader::give_back(UploadJob& job, const Error& error) {
  UploadDone done;
  done.to_store = std::move(job.pages);
  done.to_store.add_all(std::exchange(adopted_, {}));
  // Cancelled may also mean that the file was replaced, or that a stop ended the request.
  done.recalled = error.code == Code::Cancelled && job.snapshot.was_recalled();
  if (done.recalled) {
    log_.debug("upload interrupted, the WAL became too long",
               {{"pages", done.to_store.size()}, {"copied", copy_ ? copy_->pages().size() : 0}});
    return done;
  }
  done.error = error.text;
  done.stop = error.code == Code::Mismatch;
  return done;
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

// The name exists. It is this writer's file if an earlier answer was lost, or another writer's (Law
// 8).
Result<void> Uploader::settle_existing(const std::string& key, const Encoded& encoded) {
  const auto header = TRY(read_header(*deps_.store, key));
  if (!stored_.get().is_own(header.node)) {
    return fail(Code::Mismatch, "{} was written by another writer ({}); this one ({}) stops", key,
                header.node, stored_.get().writer);
  }
  const auto info = TRY(deps_.store->head(key));
  ByteVector trailer;
  TRY(fetch_range(*deps_.store, key, {info.size - ltx::kTrailerBytes, ltx::kTrailerBytes},
                  trailer));
  const auto parsed = TRY(ltx::parse_trailer(trailer, header));
  if (info.size == encoded.size && parsed.file_checksum == encoded.file_checksum) return {};
  TRY(stored_.adopt(header.node, *deps_.store, deps_.style));
  watch_.on_stored(clock_.mono());
  // A slot of an earlier start may hold pages whose changes this start has not seen.
  if (header.node != stored_.get().writer) {
    adopted_ = stored_.sums().stored_after(Txid{header.txids.first.value - 1});
  }
  return fail(Code::Unavailable, "an earlier attempt at {} had been stored after all", key);
}

}  // namespace walwrap::replication
