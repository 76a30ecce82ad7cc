#include "walwrap/replication/findings.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/replication/capture.hpp"
#include "walwrap/replication/listing.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/snapshot.hpp"

namespace walwrap::replication {
namespace {

constexpr int kSnapshotTries = 100;
constexpr std::chrono::milliseconds kSnapshotPause{10};

// The error of looking becomes what was found.
void note_failure(ReplicaLook& look, const Error& error) {
  const bool damaged = error.code == Code::Corrupt || error.code == Code::Unsupported;
  look.finding = damaged ? ReplicaFinding::Damaged : ReplicaFinding::Unreachable;
  look.why = error.text;
}

Result<void> check_sizes(const std::vector<StoredFile>& files, KeyStyle style) {
  for (const StoredFile& file : files) {
    if (file.size >= ltx::kSmallestFileBytes) continue;
    return fail(Code::Corrupt, "{} is cut off at {} bytes", file_key(style, file.level, file.txids),
                file.size);
  }
  return {};
}

Result<void> read_newest(ReplicaLook& look, KeyStyle style, const StoredFile& newest) {
  look.newest_file = newest;
  look.newest = TRY(read_header(*look.store, file_key(style, newest.level, newest.txids)));
  look.finding = ReplicaFinding::Present;
  return {};
}

// The upload: a later start may have stored the same state once more, as a snapshot.
StoredFile newest_file_of(const ReplicaLook& look) {
  const auto upload =
      std::find_if(look.files.begin(), look.files.end(), [&](const StoredFile& file) {
        return file.level == kUploadLevel && file.txids.last == look.plan.reached;
      });
  return upload == look.files.end() ? look.plan.files.back() : *upload;
}

Result<void> look_inside(ReplicaLook& look, KeyStyle style, LookFor what) {
  look.identity = TRY(read_identity(*look.store));
  auto listing = TRY(what == LookFor::NewestState ? list_newest(*look.store, style)
                                                  : list_replica(*look.store, style));
  look.files = std::move(listing.files);
  look.extent = extent_of(look.files);
  if (look.files.empty()) {
    if (listing.has_legacy_backup) {
      return fail(Code::Unsupported, "it holds only backups of litestream 0.3");
    }
    if (!listing.foreign_key.empty()) {
      return fail(Code::Unsupported, "it holds other things: {}", listing.foreign_key);
    }
    look.finding = ReplicaFinding::Empty;
    return {};
  }
  TRY(check_sizes(look.files, style));
  look.plan = TRY(plan_restore(look.files, {}));
  return read_newest(look, style, newest_file_of(look));
}

Result<void> look_inside_since(ReplicaLook& look, KeyStyle style, Txid known) {
  look.identity = TRY(read_identity(*look.store));
  look.files = TRY(list_uploads_from(*look.store, style, known));
  // In the order of the listing, which is that of the TXIDs.
  Txid expected = known;
  for (const StoredFile& file : look.files) {
    if (file.txids.first != expected) return fail(Code::Corrupt, "no upload {}", expected);
    expected = file.txids.last.next();
  }
  if (look.files.empty()) return fail(Code::Corrupt, "no upload {}", known);
  TRY(check_sizes(look.files, style));
  look.extent = extent_of(look.files);
  return read_newest(look, style, look.files.back());
}

ReplicaLook look_with(const StoreFactory& open_store, const Stopped& stopped,
                      const std::function<Result<void>(ReplicaLook&)>& inside) {
  ReplicaLook look;
  auto store = open_store(stopped);
  if (!store) {
    note_failure(look, store.error());
    return look;
  }
  look.store = *std::move(store);
  if (const auto done = inside(look); !done) note_failure(look, done.error());
  return look;
}

bool is_by_writer_of(const SavedState& state, const ReplicaLook& replica) {
  return state.writer.value != 0 && replica.newest.node == state.writer &&
         replica.extent.newest.value - state.txid.value <= kMostUnsavedUploads;
}

}  // namespace

ReplicaLook look_at_replica(const StoreFactory& open_store, const Stopped& stopped, KeyStyle style,
                            LookFor what) {
  return look_with(open_store, stopped,
                   [&](ReplicaLook& look) { return look_inside(look, style, what); });
}

ReplicaLook look_since(Txid known, const StoreFactory& open_store, const Stopped& stopped,
                       KeyStyle style) {
  ReplicaLook look = look_with(open_store, stopped, [style, known](ReplicaLook& inside) {
    return look_inside_since(inside, style, known);
  });
  look.is_whole = false;
  return look;
}

void look_at_slot(const SavedState& state, KeyStyle style, ReplicaLook& replica) {
  for (const StoredFile& file : replica.files) {
    if (file.level != kUploadLevel || file.txids.last != state.txid) continue;
    if (replica.finding == ReplicaFinding::Present && replica.newest_file == file) {
      replica.node_at_state = replica.newest.node;  // its header has been read
      continue;
    }
    const auto header = read_header(*replica.store, file_key(style, file.level, file.txids));
    if (header) replica.node_at_state = header->node;
  }
}

Result<bool> equals_sums(const os::Path& database, const PageSums& sums, std::uint32_t pages,
                         const os::Clock& clock) {
  const auto log = os::status_of(database.string() + "-wal");
  const auto owner = TRY(sqlite::CheckpointOwner::attach(database, clock));
  // A log that was not there, or was empty, leaves nothing behind.
  if (!log || log->size == 0) owner->remove_wal_on_close();
  const auto capture = TRY(Capture::open(*owner, std::nullopt));
  const auto snapshot = TRY(sqlite::Snapshot::open(*owner));
  for (int i = 0; i < kSnapshotTries; ++i) {
    const auto shot = capture->take_all(*owner, *snapshot);
    if (!shot && shot.error().code == Code::Busy) {
      os::pause_for(kSnapshotPause);
      continue;
    }
    if (!shot) return fail(shot.error());
    if (!*shot) return pages == 0;
    bool equal = (*shot)->commit == pages;
    ByteVector page(owner->page_size().value);
    Pgno after{0};
    while (equal) {
      const auto batch = (*shot)->pages.next(after, 1024);
      if (batch.empty()) break;
      for (const Pgno pgno : batch) {
        TRY(snapshot->read_page(pgno, page));
        equal = equal && page_sum(page) == sums.get(pgno);
      }
      after = batch.back();
    }
    snapshot->end();
    return equal;
  }
  return fail(Code::Busy, "{} does not come to rest", database.string());
}

LocalFinding classify_local(bool database_exists, const std::optional<SavedState>& state,
                            const ReplicaLook& replica, const std::function<bool()>& unchanged) {
  const bool has_history = state && state->txid.value > 0;
  // Even without the database, a state remembers that the replica was not always empty.
  if (!database_exists && !(has_history && replica.finding == ReplicaFinding::Empty)) {
    return LocalFinding::None;
  }
  if (!state) return LocalFinding::Unknown;
  if (replica.finding == ReplicaFinding::Empty) {
    return has_history ? LocalFinding::Known : LocalFinding::Unknown;
  }
  if (replica.finding != ReplicaFinding::Present) {
    return has_history ? LocalFinding::Known : LocalFinding::Unknown;
  }
  if (!replica.identity || replica.identity->lineage != state->lineage) {
    return has_history ? LocalFinding::Diverged : LocalFinding::Unknown;
  }
  // The same TXID by another writer is another history.
  if (replica.node_at_state && *replica.node_at_state != state->stored_by) {
    return LocalFinding::Diverged;
  }
  if (replica.extent.newest <= state->txid) {
    const RandomId node = replica.newest.node;
    const bool is_ours = node == state->stored_by || node == state->writer;
    return is_ours ? LocalFinding::Known : LocalFinding::Diverged;
  }
  if (is_by_writer_of(*state, replica)) return LocalFinding::Known;
  if (!has_history) return LocalFinding::Unknown;
  return unchanged() ? LocalFinding::Behind : LocalFinding::Diverged;
}

Result<void> catch_up(const ReplicaLook& replica, KeyStyle style, SavedState& state,
                      PageSums& sums) {
  std::vector<StoredFile> files;
  for (const StoredFile& file : replica.files) {
    if (file.level == kUploadLevel && file.txids.first > state.txid) files.push_back(file);
  }
  if (files.empty()) return {};
  std::sort(files.begin(), files.end(), [](const StoredFile& left, const StoredFile& right) {
    return left.txids < right.txids;
  });
  const auto applied = TRY(apply_to_sums(*replica.store, style, files, sums));
  state.txid = files.back().txids.last;
  state.stored_by = applied.writer;
  state.pages = applied.pages;
  state.page_size = applied.page_size;
  return {};
}

}  // namespace walwrap::replication
