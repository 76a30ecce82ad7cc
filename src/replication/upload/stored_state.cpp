#include "walwrap/replication/upload/stored_state.hpp"

#include <span>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/replication/replica/stored_file.hpp"

namespace walwrap::replication {
namespace {

// The saved state may be this old. A start reads later uploads back from the store, so these limits
// bound that work. Each save costs two fsyncs on the app's disk.
constexpr std::chrono::seconds kSaveEvery{5};
constexpr std::uint64_t kSaveEveryUploads = 1024;

}  // namespace

StoredState::StoredState(StateDir directory, PageSums sums, SavedState state,
                         const os::Clock& clock, const Log& log)
    : directory_(std::move(directory)),
      sums_(std::move(sums)),
      state_(std::move(state)),
      clock_(clock),
      log_(log),
      saved_at_(clock.mono()),
      saved_txid_(state_.txid) {}

void StoredState::check_invariants() const {
  // Only what the store has acknowledged is unsaved.
  WW_CHECK(!unsaved_ || state_.txid.value > 0);
  // The file in the slot is the file of an upload.
  WW_CHECK(!state_.slot || state_.txid.value > 0);
}

Result<void> StoredState::acknowledge(const UploadJob& job, Txid txid, const Encoded& encoded,
                                      storage::ObjectStore& store, KeyStyle style) {
  WW_CHECK(txid == state_.txid.next());  // Law 8: slots are written in order
  WW_CHECK(encoded.size > 0);
  if (!encoded.has_sums) {
    // There were too many pages to keep their sums in memory, so they are read back.
    TRY(adopt(state_.writer, store, style).context("read back the sums of a large batch"));
  } else {
    WW_CHECK(encoded.sums.size() == job.pages.size());
    TRY(sums_.resize(job.commit));
    std::size_t i = 0;
    state_.txid = txid;
    // Before the records: a record newer than this TXID is ignored.
    sums_.believe_until(state_.txid);
    job.pages.for_each([&](Pgno pgno) { sums_.set(pgno, encoded.sums[i++], state_.txid); });
    state_.stored_by = state_.writer;
    state_.slot = KnownFile{encoded.size, encoded.file_checksum};
    if (state_.txid == Txid{1}) state_.front = {kUploadLevel, {Txid{1}, Txid{1}}, *state_.slot};
    state_.pages = job.commit;
    state_.page_size = job.page_size;
  }
  WW_CHECK(state_.txid == txid);
  state_.wal = job.covers;
  state_.clean = false;
  unsaved_ = true;
  log_.debug("ltx stored",
             {{"txid", state_.txid}, {"pages", job.pages.size()}, {"bytes", encoded.size}});
  return {};
}

// The slot has the pages as they were when it was made. Pages that were read later go into the next
// slot.
Result<void> StoredState::adopt(RandomId node, storage::ObjectStore& store, KeyStyle style) {
  WW_CHECK(state_.is_own(node));
  const Txid txid = state_.txid.next();
  const StoredFile file{.level = kUploadLevel, .txids = {txid, txid}};
  // A file that grows the database has sums only of the new pages. The others need their place.
  if (sums_.pages() < state_.pages) TRY(sums_.resize(state_.pages));
  const auto applied = TRY(apply_to_sums(store, style, std::span(&file, 1), sums_));
  state_.txid = txid;
  state_.slot.reset();
  sums_.believe_until(txid);
  state_.stored_by = node;
  state_.pages = applied.pages;
  state_.page_size = applied.page_size;
  state_.clean = false;
  unsaved_ = true;
  return {};
}

void StoredState::note_equal(const wal::Position& covers) {
  WW_CHECK(state_.txid.value > 0);
  state_.wal = covers;
  unsaved_ = true;
}

MonoTime StoredState::save_due() const {
  if (!unsaved_) return MonoTime::max();
  const bool many = state_.txid.value - saved_txid_.value >= kSaveEveryUploads;
  return many ? saved_at_ : saved_at_ + kSaveEvery;
}

void StoredState::save_if_due(MonoTime now) {
  if (now < save_due()) return;
  const auto saved = save(false);
  if (!saved) log_.warn("state not saved", {{"cause", saved.error().text}});
  // Also after a failure: a full disk is not tried again with each upload.
  saved_at_ = now;
}

Result<void> StoredState::save(bool clean) {
  state_.clean = clean;
  state_.saved = clock_.wall();
  // The sums first: the state may be older than the sums, and never newer.
  TRY(sums_.sync(state_.lineage, state_.txid));
  TRY(directory_.save(state_));
  saved_txid_ = state_.txid;
  saved_at_ = clock_.mono();
  unsaved_ = false;
  return {};
}

}  // namespace walwrap::replication
