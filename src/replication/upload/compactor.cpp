#include "walwrap/replication/upload/compactor.hpp"

#include "walwrap/base/check.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/upload/replica_watch.hpp"
#include "walwrap/replication/upload/upload_file.hpp"

namespace walwrap::replication {

// A run that stores little must not pay for a listing. So the levels are listed only after enough
// uploads that a file may be due.
void Compactor::learn_levels(storage::ObjectStore& store, Txid txid) {
  if (levels_ || !Compaction({}, deps_.limits).is_due(Level{1}, txid)) return;
  const auto listing = list_compacted(store, deps_.style);
  if (listing) {
    levels_.emplace(listing->files, deps_.limits);
  } else {
    log_.debug("levels not listed", {{"cause", listing.error().text}});
  }
}

void Compactor::compact(const Source& source) {
  WW_CHECK(levels_ && source.state.txid.value > 0);
  WW_CHECK(source.job.snapshot.is_held());
  // litestream restores a chain above the uploads only if it begins at TXID 1, too.
  if (!levels_->has_begun()) {
    put_if_worth(source, kSnapshotLevel);
    return;
  }
  // The levels are compacted from the lowest one up. A file of a level has all pages that changed
  // since the last file of that level, so it ends where a file of each lower level ends. If one
  // file is not stored, the levels above it wait.
  for (Level level{1}; level <= kHighestCompacted && levels_->is_due(level, source.state.txid);
       ++level.value) {
    if (!put_if_worth(source, level)) return;
  }
}

// False: not now.
bool Compactor::put_if_worth(const Source& source, Level level) {
  const Txid txid = source.state.txid;
  const TxidRange txids{levels_->end_of(level).next(), txid};
  WW_CHECK(txids.first <= txids.last);
  PageSet pages = source.sums.stored_after(levels_->end_of(level));
  // The sums may include pages that the database lost when it shrank.
  pages.remove_above(Pgno{source.job.commit});
  pages.remove(lock_page(source.job.page_size));  // Law 7
  // While it is sent, no other upload is. A large file is worth that only if there are very many
  // files below it.
  if (!levels_->is_worth(level, txid, pages.size() * source.job.page_size.value)) {
    levels_->postpone(txid);
    return false;
  }
  const auto stored = put(source, pages, level, txids);
  if (!stored) {
    levels_->postpone(txid);
    if (stored.error().code == Code::Cancelled) return false;
    log_.warn("compacted file not stored", {{"level", level}, {"cause", stored.error().text}});
    return false;
  }
  bytes_ += *stored;
  levels_->on_stored(level, txid);
  WW_CHECK(levels_->end_of(Level{1}) == txid);
  log_.debug("compacted file stored", {{"level", level},
                                       {"first", txids.first},
                                       {"txid", txids.last},
                                       {"pages", pages.size()},
                                       {"bytes", *stored}});
  return true;
}

Result<Bytes> Compactor::put_snapshot(const Source& source) {
  const MonoTime begun = clock_.mono();
  const TxidRange txids{Txid{1}, source.state.txid};
  const Bytes bytes = TRY(put(source, source.job.pages, kSnapshotLevel, txids));
  if (levels_) levels_->on_stored(kSnapshotLevel, txids.last);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - begun);
  log_.info("snapshot stored", {{"txid", txids.last}, {"bytes", bytes}, {"took_ms", took.count()}});
  return bytes;
}

Result<Bytes> Compactor::put(const Source& source, const PageSet& pages, Level level,
                             TxidRange txids) const {
  WW_CHECK(level != kUploadLevel && txids.last == source.state.txid);
  const SnapshotPages from{
      .read = reads_of(source.job.snapshot),
      .pages = pages,
      .header = upload_header(source.job, txids, source.state.writer, clock_.wall())};
  // A stop does not end a snapshot that repairs the chain: without it the final flush would fail.
  // But a large snapshot would not be ready in time.
  const bool mends = source.is_chain_broken && from.total() <= kLargestHurriedSnapshot;
  Encoded encoded;
  const storage::Body body = [&](const WriteFn& sink) -> Result<void> {
    const WriteFn unless_hurried = [&](ByteSpan bytes) -> Result<void> {
      if (deps_.is_hurried() && !mends) return fail(Code::Cancelled, "a stop has begun");
      return sink(bytes);
    };
    encoded = TRY(deps_.encoder.encode(from, unless_hurried));
    return {};
  };
  // One attempt only: the read snapshot must not wait for a store that does not answer.
  const auto stored = source.store.put(file_key(deps_.style, level, txids), body,
                                       {.mode = storage::PutMode::CreateOnly,
                                        .timestamp = from.header.timestamp,
                                        .repeat = storage::Repeat::Once});
  // An existing name is no error: a TXID has one state, and every file for it holds that state.
  if (!stored && stored.error().code != Code::Exists) return fail(stored.error());
  return encoded.size;
}

}  // namespace walwrap::replication
