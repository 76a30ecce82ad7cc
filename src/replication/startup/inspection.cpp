#include "walwrap/replication/startup/inspection.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/replication/replica/known_files.hpp"
#include "walwrap/replication/replica/listing.hpp"

namespace walwrap::replication {
namespace {

// The error of the inspection becomes the finding.
void note_failure(ReplicaInspection& look, const Error& error) {
  const bool damaged = error.code == Code::Corrupt || error.code == Code::Unsupported;
  look.finding = damaged ? ReplicaFinding::Damaged : ReplicaFinding::Unreachable;
  look.reason = error.text;
  const bool is_settled = error.code == Code::Denied || error.code == Code::Invalid;
  look.code = is_settled ? error.code : Code::Unavailable;
}

Result<void> check_sizes(const std::vector<StoredFile>& files, KeyStyle style) {
  for (const StoredFile& file : files) {
    if (file.size >= ltx::kSmallestFileBytes) continue;
    return fail(Code::Corrupt, "{} is cut off at {} bytes", file_key(style, file.level, file.txids),
                file.size);
  }
  return {};
}

Result<void> read_newest(ReplicaInspection& look, KeyStyle style, const StoredFile& newest) {
  look.newest_file = newest;
  const std::string key = file_key(style, newest.level, newest.txids);
  look.newest = TRY(read_header(*look.store, key));
  if (look.newest.txids != newest.txids) {
    return fail(Code::Corrupt, "{}: its header says TXIDs {} to {}", key, look.newest.txids.first,
                look.newest.txids.last);
  }
  look.finding = ReplicaFinding::Present;
  return {};
}

// The upload: a later start may have stored the same state again as a snapshot.
StoredFile newest_file_of(const ReplicaInspection& look) {
  const auto upload =
      std::find_if(look.files.begin(), look.files.end(), [&](const StoredFile& file) {
        return file.level == kUploadLevel && file.txids.last == look.plan.reached;
      });
  return upload == look.files.end() ? look.plan.files.back() : *upload;
}

Result<void> look_inside(ReplicaInspection& look, KeyStyle style, LookFor what) {
  look.identity = TRY(read_identity(*look.store));
  auto listing = TRY(what == LookFor::NewestState ? list_newest(*look.store, style)
                                                  : list_replica(*look.store, style));
  TRY(check_legacy_is_older(listing));
  look.files = std::move(listing.files);
  look.extent = extent_of(look.files);
  if (look.files.empty()) {
    if (listing.has_legacy_backup) {
      return fail(Code::Unsupported, "it holds only backups of litestream 0.3");
    }
    if (!listing.foreign_key.empty()) {
      return fail(Code::Unsupported, "it holds foreign objects: {}", listing.foreign_key);
    }
    look.finding = ReplicaFinding::Empty;
    return {};
  }
  TRY(check_sizes(look.files, style));
  auto plan = plan_restore(look.files, {});
  look.has_gap = !plan && plan.error().code == Code::Corrupt;
  look.plan = TRY(std::move(plan));
  return read_newest(look, style, newest_file_of(look));
}

Result<void> look_inside_since(ReplicaInspection& look, KeyStyle style, Txid known) {
  look.identity = TRY(read_identity(*look.store));
  look.files = TRY(list_uploads_from(*look.store, style, known));
  // In the order of the listing, which is the order of the TXIDs.
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

ReplicaInspection inspect_with(const StoreFactory& open_store, const Stopped& stopped,
                               const std::function<Result<void>(ReplicaInspection&)>& inside) {
  ReplicaInspection look;
  auto store = open_store(stopped);
  if (!store) {
    note_failure(look, store.error());
    return look;
  }
  look.store = *std::move(store);
  if (const auto done = inside(look); !done) note_failure(look, done.error());
  return look;
}

bool is_by_writer_of(const SavedState& state, const ReplicaInspection& replica) {
  return state.is_own(replica.newest.node) &&
         replica.extent.newest.value - state.txid.value <= kMostUnsavedUploads;
}

}  // namespace

ReplicaInspection inspect_replica(const StoreFactory& open_store, const Stopped& stopped,
                                  KeyStyle style, LookFor what) {
  return inspect_with(open_store, stopped,
                      [&](ReplicaInspection& look) { return look_inside(look, style, what); });
}

ReplicaInspection inspect_since(Txid known, const StoreFactory& open_store, const Stopped& stopped,
                                KeyStyle style) {
  ReplicaInspection look =
      inspect_with(open_store, stopped, [style, known](ReplicaInspection& inside) {
        return look_inside_since(inside, style, known);
      });
  look.is_whole = false;
  return look;
}

void inspect_slot(const SavedState& state, KeyStyle style, ReplicaInspection& replica) {
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

namespace {

// A file that may not be read counts as damaged. A file that cannot be read now counts as neither.
FileCheck check_end(const ReplicaInspection& replica, KeyStyle style, const StoredFile& file,
                    const std::optional<KnownFile>& known) {
  auto check = check_file(*replica.store, style, file, known);
  if (check) return *std::move(check);
  return {.damage = check.error().code == Code::Denied ? check.error().text : ""};
}

void note_damage(ReplicaInspection& replica, const std::string& damage, bool is_gap) {
  replica.finding = ReplicaFinding::Damaged;
  replica.reason = damage;
  replica.has_gap = is_gap;
}

}  // namespace

void inspect_ends(const SavedState& state, KeyStyle style, ReplicaInspection& replica) {
  if (replica.finding != ReplicaFinding::Present || style != KeyStyle::Directory) return;
  const bool is_ours = replica.newest.node == state.stored_by;
  const bool is_state = replica.extent.newest == state.txid && is_ours;
  const auto& newest = replica.newest_file;
  const bool is_known = is_state && newest.level == kUploadLevel;
  const auto slot = check_end(replica, style, newest, is_known ? state.slot : std::nullopt);
  if (!slot.damage.empty()) return note_damage(replica, slot.damage, false);
  if (!replica.is_whole || replica.plan.files.empty()) return;
  const StoredFile& first = replica.plan.files.front();
  const auto front = check_end(replica, style, first, known_of(state.front, first));
  if (!front.damage.empty()) return note_damage(replica, front.damage, true);
  if (front.found) replica.front = KnownFront{first.level, first.txids, *front.found};
}

ReachFound reach_of_newest(const SavedState& state, const ReplicaInspection& replica,
                           const WalCommits& wal) {
  std::vector<wal::Position> stored;
  const bool is_seen = replica.finding == ReplicaFinding::Present;
  // The state's position may be after its upload's, if the transactions between them changed
  // nothing.
  const bool is_newest = !is_seen || replica.extent.newest == state.txid;
  if (is_newest && state.wal) stored.push_back(*state.wal);
  const auto named = parse_position(replica.newest.reserved);
  if (is_seen && named) stored.push_back(*named);
  return reach_of_any(wal, stored);
}

namespace {

LocalFinding by_reach(Reach reach) {
  if (reach == Reach::Behind) return LocalFinding::Behind;
  return reach == Reach::Forked ? LocalFinding::Diverged : LocalFinding::Known;
}

// `if_new`: the finding if none of the differences was ever stored.
LocalFinding by_pages(const std::optional<PagesFound>& pages, LocalFinding if_new) {
  if (!pages) return LocalFinding::Unknown;
  switch (pages->are) {
    case PagesAre::Equal:
      return LocalFinding::Known;
    case PagesAre::Older:
    case PagesAre::Mixed:
      return LocalFinding::Behind;
    case PagesAre::New:
      break;
  }
  return if_new;
}

// The WAL may hold the newest state. Pages that its later commits do not hold must then be in the
// file as they were stored. Otherwise the file belongs to another WAL.
LocalFinding by_wal(const ReachFound& found, const LocalEvidence& evidence) {
  const bool is_file_in_question = found.reach == Reach::Proven && !evidence.is_file_known;
  return is_file_in_question ? by_pages(evidence.pages(found.proven), LocalFinding::Diverged)
                             : by_reach(found.reach);
}

LocalFinding classify_own(const SavedState& state, const ReplicaInspection& replica,
                          const LocalEvidence& evidence) {
  if (replica.extent.newest < state.txid) return LocalFinding::Known;
  const auto reach = reach_of_newest(state, replica, evidence.wal);
  if (reach.reach != Reach::Unproven) return by_wal(reach, evidence);
  if (state.clean && replica.extent.newest == state.txid) return LocalFinding::Known;
  // Without a WAL the file is the database. A page in it that equals an older state is then an edit
  // of the app's, which was not stored.
  const bool is_settled = evidence.settled_at.value > 0 && evidence.wal.commits.empty();
  if (is_settled && replica.extent.newest == evidence.settled_at) return LocalFinding::Known;
  const auto pages = evidence.pages(std::nullopt);
  // New: all differences come from between two uploads. In a file without later writes, they were
  // checkpointed before the newest upload.
  const bool is_edit =
      pages && (pages->holds_newest || evidence.written > replica.newest.timestamp);
  return by_pages(pages, is_edit ? LocalFinding::Known : LocalFinding::Behind);
}

}  // namespace

LocalFinding classify_local(bool database_exists, const std::optional<SavedState>& state,
                            const ReplicaInspection& replica, const LocalEvidence& evidence) {
  const bool has_history = state && state->txid.value > 0;
  // Without the database, a state still shows that the replica was not always empty.
  if (!database_exists && !(has_history && replica.finding == ReplicaFinding::Empty)) {
    return LocalFinding::None;
  }
  if (!state) return LocalFinding::Unknown;
  if (replica.finding == ReplicaFinding::Unreachable && has_history) {
    return by_wal(reach_of_newest(*state, replica, evidence.wal), evidence);
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
  const RandomId node = replica.newest.node;
  if (replica.extent.newest <= state->txid && node != state->stored_by && !state->is_own(node)) {
    return LocalFinding::Diverged;
  }
  if (replica.extent.newest <= state->txid || is_by_writer_of(*state, replica)) {
    return classify_own(*state, replica, evidence);
  }
  if (!has_history) return LocalFinding::Unknown;
  // Another writer continued. This disk continued as well, or holds what the other one stored. Only
  // a comparison can tell.
  return evidence.is_unchanged() ? LocalFinding::Behind : LocalFinding::Unknown;
}

Result<PagesFound> relate_to_newest(Differences differences, const SavedState& state,
                                    const PageSums& sums, const ReplicaInspection& replica,
                                    KeyStyle style) {
  const auto since = uploads_after(state.txid, replica.files);
  TRY(follow(differences, sums, {.store = *replica.store, .style = style, .files = since}));
  const PagesAre are =
      TRY(relate(differences, {.store = *replica.store, .style = style, .files = replica.files},
                 LookFurther::UntilOne));
  return PagesFound{are, differences.holds_newest};
}

std::vector<StoredFile> uploads_after(Txid txid, const std::vector<StoredFile>& files) {
  std::vector<StoredFile> after;
  for (const StoredFile& file : files) {
    if (file.level == kUploadLevel && file.txids.first > txid) after.push_back(file);
  }
  std::sort(after.begin(), after.end(), [](const StoredFile& left, const StoredFile& right) {
    return left.txids < right.txids;
  });
  return after;
}

Result<void> catch_up(const ReplicaInspection& replica, KeyStyle style, SavedState& state,
                      PageSums& sums) {
  const auto files = uploads_after(state.txid, replica.files);
  if (files.empty()) return {};
  // The size in these files is compared with the size before them.
  if (sums.pages() < state.pages) TRY(sums.resize(state.pages));
  const auto applied = TRY(apply_to_sums(*replica.store, style, files, sums));
  state.txid = files.back().txids.last;
  state.slot.reset();
  state.stored_by = applied.writer;
  state.pages = applied.pages;
  state.page_size = applied.page_size;
  return {};
}

}  // namespace walwrap::replication
