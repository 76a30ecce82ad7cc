#include "walwrap/replication/attachment.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/replication/capture/wal_tail.hpp"
#include "walwrap/replication/replica/state.hpp"

namespace walwrap::replication {
namespace {

// Source: sqlite.org/fileformat2.html, "The Database Header": the text, the page size, and the two
// versions, which are 2 in WAL mode and 1 otherwise.
constexpr std::size_t kFormatBytes = 20;
constexpr int kSizeLooks = 5;
// A row that breaks a constraint is the app's concern. It does not mean that the file is damaged.
constexpr const char* kFindDamage =
    "SELECT coalesce((SELECT integrity_check FROM pragma_integrity_check(100) "
    "WHERE integrity_check <> 'ok' AND integrity_check NOT LIKE 'CHECK constraint failed%' "
    "AND integrity_check NOT LIKE '% value in %' LIMIT 1), 'ok')";

}  // namespace

Result<std::unique_ptr<Attachment>> Attachment::open(std::unique_ptr<sqlite::CheckpointOwner> owner,
                                                     std::optional<wal::Position> stored,
                                                     FileNote note) {
  std::unique_ptr<Attachment> made(new Attachment(std::move(note)));
  made->owner_ = std::move(owner);
  // SQLite deletes a rollback journal without a sync of the directory. After a loss of power it
  // could be there again, and undo what is stored from now on.
  TRY(os::sync_directory(os::directory_of(made->owner_->database())));
  const auto before = DatabaseFiles::at(made->owner_->database());
  made->capture_ = TRY(Capture::open(*made->owner_, stored));
  made->is_compared_ = !made->capture_->needs_compare();
  made->snapshot_ = TRY(sqlite::Snapshot::open(*made->owner_));
  TRY(made->identify(before));
  return made;
}

// A file that was at the path before and after the opening was also opened. This does not cover the
// files of the first connection, which was opened earlier: the process must have those open.
Result<void> Attachment::identify(const DatabaseFiles& before) {
  files_ = DatabaseFiles::at(owner_->database());
  bool is_same = files_.wal && files_.index && !owner_->has_moved() &&
                 find_difference(before, files_) == Difference::None;
  for (const auto& file : {files_.wal, files_.index}) {
    // If the process cannot see its own open files, this check is left out.
    is_same = is_same && os::has_open(file->id).value_or(true);
  }
  if (!is_same) {
    return fail(Code::Busy, "the files of {} changed while they were opened",
                owner_->database().string());
  }
  const auto header = TRY(owner_->read_file_header());
  know(*files_.database, header);
  return {};
}

void Attachment::know(const os::FileStamp& database,
                      const sqlite::CheckpointOwner::FileHeader& header) {
  files_.database = database;
  header_ = header;
  is_checkpoint_noted_ = true;
}

bool Attachment::can_mend(const ReplicaReport& replica, std::uint32_t stored_pages) const {
  const Bytes size = Bytes{stored_pages} * owner_->page_size().value;
  return !replica.broken.empty() && size <= kLargestHurriedSnapshot && !capture_->has_pending();
}

void Attachment::note(bool is_all_stored, Txid stored) {
  is_compared_ = (is_compared_ || is_all_stored) && !capture_->needs_compare();
  if (is_compared_) {
    const auto index = owner_->read_index();
    const bool is_settled = index && index->header.max_frame == 0;
    note_.keep({.stamp = *files_.database, .settled_at = is_settled ? stored : Txid{}});
  } else {
    note_.forget();
  }
}

bool Attachment::has_same_format(const sqlite::CheckpointOwner::FileHeader& header) const {
  return std::equal(header.begin(), header.begin() + kFormatBytes, header_.begin());
}

bool Attachment::is_content_known(const os::FileStamp& database, Checkpoints who) {
  const os::FileStamp& known = *files_.database;
  is_file_read_ = true;
  if (database == known) return true;
  const auto header = owner_->read_file_header();
  if (!header) {
    is_file_read_ = false;
    return true;
  }
  const bool is_written = database.size != known.size || database.written != known.written;
  const bool may_be_checkpoint = who == Checkpoints::Lent || !is_checkpoint_noted_;
  const bool is_known =
      is_written ? may_be_checkpoint && has_same_format(*header) : *header == header_;
  if (!is_known) return false;
  know(database, *header);
  return true;
}

bool Attachment::note_checkpoint() {
  const auto stamp = os::stamp_of(owner_->database());
  const auto header = owner_->read_file_header();
  const bool is_gone = !stamp && stamp.error().code == Code::NotFound;
  if (is_gone || (stamp && stamp->id != files_.database->id)) return false;
  is_checkpoint_noted_ = stamp && header;
  if (!is_checkpoint_noted_) return true;
  if (!has_same_format(*header)) return false;
  know(*stamp, *header);
  return true;
}

bool Attachment::has_whole_wal(const sqlite::IndexView& index) const {
  if (index.not_backfilled() == 0) return true;
  const auto wal = DatabaseFiles::at(owner_->database()).wal;
  return wal && wal->size >= wal::frame_offset(index.header.max_frame + 1, owner_->page_size());
}

Result<bool> Attachment::drain() {
  const auto index = owner_->read_index();
  if (!index) return fail(Code::Busy, "the WAL index is being written");
  return capture_->drain(*index);
}

Attachment::WalSight Attachment::inspect_wal(const std::optional<wal::Position>& stored) {
  WalSight sight;
  const auto index = owner_->read_index();
  const bool is_drained = index && capture_->drain(*index).has_value();
  sight.is_read =
      is_file_read_ && is_drained && capture_->is_proven(*index) && has_whole_wal(*index);
  sight.has_news = capture_->has_news();
  if (!sight.is_read || sight.has_news) return sight;
  sight.is_beyond =
      holds_commit_beyond(stored, owner_->database().string() + "-wal").value_or(true);
  return sight;
}

Result<std::optional<UploadJob>> Attachment::make_job(const JobRequest& request,
                                                      SnapshotLease::Home home) {
  WW_CHECK(has_snapshot());
  // A job that reads all pages knows all frames. Of the jobs with pending pages, only one with a
  // compaction needs the frames of other pages.
  const auto* changes = std::get_if<job::Changes>(&request.kind);
  WW_CHECK(request.all_pages || changes != nullptr);
  const auto frames = changes != nullptr && changes->knows_all_frames ? Capture::Frames::Every
                                                                      : Capture::Frames::OfPages;
  auto shot =
      TRY(request.all_pages ? capture_->take_all(*owner_, *snapshot_)
                            : capture_->take(*owner_, *snapshot_, request.stored_pages, frames));
  if (!shot) return std::optional<UploadJob>();
  return std::optional(UploadJob{.snapshot = SnapshotLease(std::move(snapshot_), std::move(home)),
                                 .page_size = owner_->page_size(),
                                 .pages = std::move(shot->pages),
                                 .commit = shot->commit,
                                 .covers = shot->covers,
                                 .changed = std::move(shot->changed),
                                 .continues = shot->continues,
                                 .kind = request.kind});
}

void Attachment::on_answer(const UploadDone& done) {
  capture_->add_pending(done.to_store);
  if (done.compare_again) capture_->require_compare();
  // The upload thread keeps the pages that it found equal. They stay equal as long as each job
  // continues the last one.
  const bool is_comparison = std::holds_alternative<answer::Compare>(done.answer);
  if (done.recalled && is_comparison) capture_->resume_compare();
}

void Attachment::give_back(std::unique_ptr<sqlite::Snapshot> snapshot) {
  WW_CHECK(!has_snapshot() && snapshot != nullptr);
  WW_CHECK(!snapshot->is_active());  // an active one would keep the WAL from restarting
  snapshot_ = std::move(snapshot);
}

void Attachment::abandon() {
  owner_->abandon();
  is_abandoned_ = true;
}

void Attachment::check_invariants() const {
  WW_CHECK(owner_ != nullptr && capture_ != nullptr);
  WW_CHECK(files_.database && files_.wal && files_.index);
  // An active snapshot that is not lent would keep the WAL from restarting.
  WW_CHECK(!snapshot_ || !snapshot_->is_active());
  // An abandoned attachment is destroyed as soon as its snapshot is back.
  WW_CHECK(!is_abandoned_ || !snapshot_);
}

Result<bool> Attachment::settle(Settle when, const sqlite::CheckpointOwner::CaptureFn& capture) {
  return owner_->settle(capture, [this, when] {
    return when == Settle::Anyway || other_users() == OtherUsers::None;
  });
}

OtherUsers Attachment::other_users() const {
  const auto locks = os::read_file_locks();
  if (!locks) return OtherUsers::NotKnown;
  return find_other_users(*locks, files_.index->id, os::own_pid());
}

Attachment::Stale Attachment::drop_stale_wal(const DatabaseFiles& at_path) {
  const bool is_at_path = at_path.wal && at_path.index && at_path.wal->id == files_.wal->id &&
                          at_path.index->id == files_.index->id;
  const auto index = owner_->read_index();
  if (!is_at_path || (index && index->header.max_frame == 0)) return Stale::None;
  if (other_users() == OtherUsers::None && has_snapshot()) {
    const auto dropped = owner_->discard_wal();
    if (dropped && *dropped) return Stale::Dropped;
  }
  // If the old file holds the whole WAL, no reader uses the WAL.
  return index && index->not_backfilled() == 0 ? Stale::None : Stale::InUse;
}

RandomId Attachment::file_in(RandomId run) const {
  const os::FileId id = files_.database->id;
  const std::array<std::uint64_t, 3> parts{run.value, id.device, id.inode};
  return {page_sum(std::as_bytes(std::span(parts)))};
}

Result<std::string> Attachment::find_damage(std::function<bool()> cancelled) const {
  return find_damage_in(*owner_, std::move(cancelled));
}

namespace {

Result<std::string> check_all(const sqlite::CheckpointOwner& owner,
                              std::function<bool()> cancelled) {
  auto connection = TRY(owner.open_sibling());
  connection.set_cancel(std::move(cancelled));
  const auto found = connection.query_text(kFindDamage);
  // Only the app can check a schema that needs its own functions or collations.
  if (!found && found.error().code != Code::Io) return fail(found.error());
  if (found && *found != "ok") return *found;
  // SQLite takes the size from the header in page 1. If the WAL belongs to another file, that
  // header may come from the database file, and the check may have covered only a part of the
  // pages.
  for (int i = 0; i < kSizeLooks; ++i) {
    const auto before = owner.read_index();
    const auto said = TRY(connection.query_text("PRAGMA page_count"));
    const auto after = owner.read_index();
    if (!before || !after || before->header != after->header) continue;  // a commit in between
    const auto committed = std::to_string(before->header.pages);
    if (before->header.max_frame == 0 || said == committed) return std::string();
    return fmt::format("its header says {} pages, its WAL {}", said, committed);
  }
  return std::string();
}

}  // namespace

Result<std::string> find_damage_in(const sqlite::CheckpointOwner& owner,
                                   std::function<bool()> cancelled) {
  auto found = check_all(owner, std::move(cancelled));
  if (!found && found.error().code == Code::Corrupt) return found.error().text;
  return found;
}

Result<std::unique_ptr<sqlite::CheckpointOwner>> attach_existing(
    const os::Path& database, const os::Clock& clock, sqlite::CheckpointOwner::Others others) {
  auto owner = sqlite::CheckpointOwner::attach(database, clock, others);
  if (owner || owner.error().code != Code::NotFound) return owner;
  if (!DatabaseFiles::at(database).has_database()) return owner;
  return fail(Code::Unavailable,
              "{}; check the rights of the file, and the limit of open files (ulimit -n)",
              owner.error().text);
}

}  // namespace walwrap::replication
