#include "walwrap/replication/capture_loop.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/replication/capture_log.hpp"
#include "walwrap/replication/replica/state.hpp"

namespace walwrap::replication {
namespace {

constexpr std::chrono::milliseconds kQuiet{100}, kTruncateMargin{100};
constexpr std::chrono::milliseconds kDamagedRetry{2000};
constexpr std::chrono::milliseconds kReplicaAsk{1000};  // while a client waits for a proof

}  // namespace

CaptureLoop::CaptureLoop(Options options, Mailboxes& mailboxes, const os::Clock& clock,
                         const Log& log)
    : options_(std::move(options)),
      mailboxes_(mailboxes),
      clock_(clock),
      log_(log),
      watch_(options_.database, clock),
      attacher_(options_.database, options_.name, clock, log),
      check_(options_.database, options_.name, clock, log),
      checkpointer_(options_.name, options_.checkpoint, clock, log),
      schedule_(options_.pace, options_.pace_of_waits),
      tracker_(options_.txid),
      stored_(options_.txid, options_.stored_pages, options_.stored_wal) {}

CaptureLoop::~CaptureLoop() {
  // The snapshot's connection is closed before its owner's (Law 1). The upload thread has ended, so
  // the snapshot is in an untaken job or in the mailbox. The order matters: a job returns its
  // snapshot when it is destroyed.
  mailboxes_.job.take();
  mailboxes_.snapshot.take();
}

void CaptureLoop::prepare() {
  if (std::exchange(is_prepared_, true)) return;
  watch_.start(mailboxes_.capture_wakers());
  if (!watch_.works()) {
    log_.warn("inotify does not work here, polling instead", {{"db", options_.name}});
  }
  if (options_.attached) adopt(std::move(options_.attached));
  // The WAL of an earlier run is moved into the database file. From now on the app, or a script
  // that starts it, may delete the -wal and the -shm as leftovers.
  const bool is_read = attachment_ && attachment_->drain();
  if (is_read && attachment_->other_users() == OtherUsers::None) settle();
}

void CaptureLoop::run() {
  os::take_short_turns();
  prepare();
  while (turn() == Turn::Continues) wait();
}

CaptureLoop::Turn CaptureLoop::turn() {
  orders_ = mailboxes_.orders.get();
  if (orders_.quit) return Turn::Over;
  if (orders_.hurry) schedule_.hurry();
  if (is_finishing()) attacher_.on_finishing();
  take_answers();
  if (!attachment_ && !is_halted()) attach();
  if (is_attached()) look();
  publish();
  if (is_finishing() && finish(*orders_.flush)) return Turn::Over;
  check_invariants();
  return Turn::Continues;
}

void CaptureLoop::check_invariants() const {
  if (attachment_) {
    attachment_->check_invariants();
    WW_CHECK(attachment_->owner().page_size() == options_.page_size);
    WW_CHECK(past_.was_attached);
  }
  // Halted: nothing is captured any more. The attachment may still wait for its snapshot.
  WW_CHECK(!is_halted() || !is_attached());
  // A job in flight was made from an attachment, and so were unstored commits.
  WW_CHECK(past_.was_attached || (!schedule_.is_out() && !past_.left_unstored));
  schedule_.check_invariants();
  // Only captured commits can be stored.
  WW_CHECK(stored_.up_to().as_of <= clock_.mono() && seen_.until <= clock_.mono());
  // The last checkpoint of a stop is made after the last writer has ended.
  WW_CHECK(!is_checkpointed_ || is_finishing());
}

void CaptureLoop::attach() {
  const auto others = is_finishing() ? Attacher::Others::None : Attacher::Others::App;
  if (!attacher_.is_due(others)) return;
  auto owner = attacher_.try_attach(others, watch_.idle_pause());
  if (!owner) return note_not_attached(owner.error());
  errors_.attach = attacher_.absence();
  if (*owner) adopt(*std::move(owner));
}

void CaptureLoop::adopt(std::unique_ptr<sqlite::CheckpointOwner> owner) {
  if (options_.page_size.value != 0 && options_.page_size != owner->page_size()) {
    return halt(describe_page_sizes(owner->page_size(), options_.page_size));
  }
  // The saved position belongs to the first WAL that is found, if it belongs to any.
  auto opened = Attachment::open(std::move(owner), std::exchange(options_.stored_wal, std::nullopt),
                                 FileNote(options_.directory));
  if (!opened) {
    attacher_.on_failed();
    return note_not_attached(opened.error());
  }
  if (!check_content(**opened)) return;
  attachment_ = *std::move(opened);
  errors_.attach.clear();
  past_.was_attached = true;
  is_checkpointed_ = false;
  settle_pause_.on_event();
  options_.page_size = attachment_->owner().page_size();
  checkpointer_.on_attached();
  watch_.watch_wal();
  tracker_.on_attached(attachment_->file_in(options_.run), {os::random_u64()});
  log_.info("attached", {{"db", options_.name}, {"page_bytes", options_.page_size}});
}

void CaptureLoop::detach(std::string_view reason, std::chrono::nanoseconds before_next) {
  if (!is_attached()) return;
  // The WAL can be read to its end while it is open here.
  if (!is_halted()) ignore(attachment_->drain(), "what cannot be read is not stored either");
  past_.left_unstored = schedule_.is_out() || attachment_->capture().has_news();
  log_.warn("detached", {{"db", options_.name}, {"cause", reason}, {"unstored_bytes", lag()}});
  tracker_.on_detached();
  attacher_.on_detached(before_next);
  attachment_->abandon();
  // While the upload thread has the snapshot, the attachment waits. take_answers() then ends it.
  if (attachment_->has_snapshot()) attachment_.reset();
}

// False: the attached files are not the database any more.
bool CaptureLoop::check_files() {
  const auto who =
      checkpointer_.is_lending() ? Attachment::Checkpoints::Lent : Attachment::Checkpoints::Ours;
  return follow(check_.check(*attachment_, who, is_finishing()));
}

bool CaptureLoop::follow(const AttachmentCheck::Found& found) {
  switch (found.next) {
    case AttachmentCheck::Next::GoOn:
      return true;
    case AttachmentCheck::Next::Settle:
      // If it is not settled now, it is captured as before and settled at a later look.
      if (settle()) detach(found.reason);
      return is_attached();
    case AttachmentCheck::Next::Detach:
      detach(found.reason, found.pause);
      return false;
  }
  return false;
}

void CaptureLoop::on_foreign_write() {
  follow(check_.on_foreign_write(*attachment_));
}

// A database that no process has open becomes one file, as without walwrap. True: it is one file
// now.
bool CaptureLoop::settle_if_unused(const sqlite::IndexView& index) {
  const bool is_settled = index.header.max_frame == 0 && index.header.pages == 0;
  const MonoTime now = clock_.mono();
  // Without events for the close, a pause may mean that the database was closed.
  if (!watch_.works() && now - seen_.last_commit > kQuiet) settle_pause_.on_event();
  if (is_settled || !settle_pause_.wants_look(now)) return false;
  if (!attachment_->has_snapshot() || !attachment_->capture().has_read(index)) return false;
  const bool is_unused = attachment_->other_users() == OtherUsers::None;
  const auto use = is_unused ? SettlePause::Use::Unused : SettlePause::Use::InUse;
  if (!settle_pause_.on_look(use, seen_.last_commit, now)) return false;
  settle_pause_.on_settle(settle(), now);
  return settle_pause_.is_settled();
}

// False: not now.
bool CaptureLoop::settle() {
  if (!attachment_->has_snapshot() || checkpointer_.is_lending()) return false;
  const auto when = is_finishing() ? Attachment::Settle::Anyway : Attachment::Settle::WhileUnused;
  const auto settled = attachment_->settle(when, [this] { return capture_now(); });
  if (!settled) note(settled.error());
  if (!attachment_->note_checkpoint()) on_foreign_write();
  return settled && *settled;
}

void CaptureLoop::halt(const std::string& reason) {
  log_.error("replication stopped, the app goes on", {{"db", options_.name}, {"cause", reason}});
  halted_ = reason;
  tracker_.on_halted(reason);
  if (is_attached()) detach("replication stopped");
}

void CaptureLoop::note(const Error& error) {
  log_capture_failure(log_, options_.name, error, episode_, clock_.mono());
}

void CaptureLoop::take_answers() {
  if (auto snapshot = mailboxes_.snapshot.take()) {
    // This attachment lent the snapshot: no other attachment starts before it is back.
    WW_CHECK(attachment_ != nullptr);
    attachment_->give_back(*std::move(snapshot));
    if (attachment_->is_abandoned()) attachment_.reset();
  }
  if (auto done = mailboxes_.done.take()) take_answer(*done);
  if (!attachment_ || !mailboxes_.moved_back.get()) return;
  mailboxes_.moved_back.set(false);
  attachment_->capture().require_compare();
  tracker_.on_unknown();
}

void CaptureLoop::take_answer(const UploadDone& done) {
  const auto writer = watch_.is_writer_pausing() ? Writer::Pauses : Writer::NeverPauses;
  const JobInFlight job = schedule_.on_answer(done, writer);
  errors_.upload = done.error;
  stored_.on_done(done, clock_.wall());
  if (const auto* made = std::get_if<answer::Snapshot>(&done.answer)) {
    tracker_.on_snapshot(
        log_snapshot(log_, options_.name, *made, done.txid, job.snapshot, clock_.wall()));
  }
  const auto* compared = std::get_if<answer::Compare>(&done.answer);
  // A comparison that finds no difference proves as much as an upload.
  const bool is_stored = done.is_stored() || (compared != nullptr && compared->is_equal);
  using Became = CommitTracker::Became;
  tracker_.on_done(is_stored ? Became::Stored : Became::NothingNew, done.txid);
  // Another file may have been attached since. Then these pages belong to another database, and the
  // new one is compared completely anyway.
  if (attachment_ && job.attachment == tracker_.progress().committed.attachment) {
    if (is_stored) stored_.on_stored(job.covers);
    attachment_->on_answer(done);
    if (done.compare_again) tracker_.on_unknown();
  }
  if (done.stop) halt(done.error);
}

void CaptureLoop::look() {
  const MonoTime now = clock_.mono();
  watch_.on_look();
  // Before the look that answers these requests.
  const Requested requested = mailboxes_.sync_requests->requested();
  if (!check_files()) return;
  const auto index = attachment_->owner().read_index();
  if (!index) {
    // A writer died while it published the header. Only walwrap can recover it, because recovery
    // needs the checkpoint lock.
    const auto recovered = attachment_->owner().recover();
    if (recovered) attachment_->capture().on_recovered();
    if (!recovered) note(recovered.error());
    return;
  }
  const auto drained = attachment_->capture().drain(*index);
  if (!drained) {
    note(drained.error());
    return;
  }
  episode_.on_success();
  if (*drained) {
    seen_.last_commit = now;
    watch_.on_commit(now);
  }
  watch_.choose(now, seen_.last_commit);
  if (attachment_->capture().has_read(*index)) {
    tracker_.on_look(attachment_->capture().commits(), requested);
    schedule_.on_snapshot_asked(requested.snapshot);
    seen_.until = now;
  }
  const bool is_settled = settle_if_unused(*index);
  if (!is_attached()) return;
  const bool waits = checkpointer_.goes_first(attachment_->owner(), *index, situation());
  if (!waits || tracker_.is_urgent() || orders_.hurry) offer_job();
  if (!is_settled) checkpoint(*index);
}

void CaptureLoop::checkpoint(const sqlite::IndexView& index) {
  const bool was_lent = checkpointer_.is_lending();
  const auto done =
      checkpointer_.run(attachment_->owner(), index, situation(), [this] { return capture_now(); });
  if (!done) note(done.error());
  if (checkpointer_.wants_snapshot_back()) mailboxes_.recalled.set(true);
  const auto after = attachment_->owner().read_index();
  const bool is_as_before = after && after->header.salts == index.header.salts &&
                            after->checkpoint.backfilled == index.checkpoint.backfilled;
  const bool may_have_written = !done || !is_as_before || was_lent || checkpointer_.is_lending();
  if (may_have_written && !attachment_->note_checkpoint()) on_foreign_write();
}

Checkpointer::Situation CaptureLoop::situation() const {
  return {.last_commit = seen_.last_commit,
          .snapshot_open = !attachment_->has_snapshot(),
          .missed_commits = attachment_->capture().missed_commits(),
          .can_prove = attachment_->capture().can_prove()};
}

// A checkpoint copies the captured frames and no later one. So files that are unchanged now are the
// ones to which the frames belong.
Result<void> CaptureLoop::capture_now() {
  const auto difference = attachment_->difference(DatabaseFiles::at(options_.database));
  if (react_to(difference, OtherUsers::Some, is_finishing()) == Reaction::Reattach) {
    return fail(Code::Busy, "{}", describe(difference));
  }
  const bool any = TRY(attachment_->drain());
  if (any) seen_.last_commit = clock_.mono();
  return {};
}

void CaptureLoop::offer_job() {
  const MonoTime now = clock_.mono();
  Capture& capture = attachment_->capture();
  const auto choice = schedule_.choose({.can_lend = attachment_->has_snapshot(),
                                        .needs_compare = capture.needs_compare(),
                                        .has_pending = capture.has_pending(),
                                        .may_snapshot = !orders_.hurry || can_mend(),
                                        // A compaction holds the snapshot for longer than a writer
                                        // at full speed allows.
                                        .may_compact = !checkpointer_.is_at_full_speed(),
                                        .is_urgent = tracker_.is_urgent(),
                                        .is_awaited = tracker_.is_awaited(),
                                        .txid = stored_.txid()},
                                       now);
  if (!choice) return;
  const Bytes waiting = lag();
  auto job = attachment_->make_job(
      {.kind = choice->kind, .all_pages = choice->all_pages, .stored_pages = stored_.pages()},
      mailboxes_.snapshot_home());
  if (!job) {
    note(job.error());
    return schedule_.on_busy(now);
  }
  if (!*job) return schedule_.on_nothing();
  // From here on the upload thread reads through the snapshot. The capture thread only knows that
  // it is lent.
  WW_CHECK(!attachment_->has_snapshot());
  // Of the pages that a snapshot reads, only the pending ones are lag. A comparison stores none.
  const bool is_snapshot = std::holds_alternative<job::Snapshot>(choice->kind);
  Bytes bytes = is_snapshot ? waiting : 0;
  if (std::holds_alternative<job::Changes>(choice->kind)) {
    bytes = (*job)->pages.size() * options_.page_size.value;
  }
  tracker_.on_taken(capture.commits());
  schedule_.on_offered({.attachment = tracker_.progress().committed.attachment,
                        .covers = {.as_of = now, .wal = (*job)->covers},
                        .bytes = bytes},
                       is_snapshot, tracker_.is_awaited(), tracker_.is_urgent());
  const bool is_offered = mailboxes_.job.offer(**std::move(job));
  WW_CHECK(is_offered);
  mailboxes_.upload_wakeup.notify();
}

Bytes CaptureLoop::lag() const {
  const Bytes page = options_.page_size.value;
  if (const auto waiting = attacher_.waiting()) return waiting->bytes;
  return schedule_.bytes_out() + (attachment_ ? attachment_->capture().pending().size() * page : 0);
}

void CaptureLoop::publish() {
  const bool is_all_stored =
      is_attached() && !schedule_.is_out() && !attachment_->capture().has_news();
  if (is_all_stored) {
    tracker_.on_all_stored(tracker_.progress().committed.commits);
    stored_.on_all_stored(seen_.until);
  }
  if (is_attached()) attachment_->note(is_all_stored, stored_.txid());
  const auto waiting = attacher_.waiting();
  mailboxes_.status.set({.txid = stored_.txid(),
                         .lag_bytes = lag(),
                         .last_put = stored_.last_put(),
                         .attached = is_attached(),
                         .files = is_attached() ? attachment_->files() : DatabaseFiles{},
                         .waits_since = waiting ? std::optional(waiting->since) : std::nullopt,
                         .error = error(),
                         .stored = stored_.up_to(),
                         .stored_at = stored_.stored_at(),
                         .uploads = stored_.counts(),
                         .checkpoints = checkpointer_.counts()});
  note_replica();
  mailboxes_.sync_requests->publish(tracker_.progress());
}

// No client gets the answer "stored" from a replica that was not inspected lately.
void CaptureLoop::note_replica() {
  const MonoTime now = clock_.mono();
  const bool is_proven = now < mailboxes_.replica.get().proven_until;
  tracker_.on_proven(is_proven);
  if (is_proven || now < next_replica_ask_ || !mailboxes_.sync_requests->requested().listening)
    return;
  next_replica_ask_ = now + kReplicaAsk;
  mailboxes_.ask_replica_look(LookAt::Newest);
}

// The error of the last job, or the reason that keeps the current one waiting.
std::string CaptureLoop::error() const {
  if (auto lost = mailboxes_.replica.get().lost; !lost.empty()) return lost;
  if (!errors_.attach.empty()) return errors_.attach;
  if (is_halted()) return halted_;
  if (!errors_.upload.empty()) return errors_.upload;
  const auto waiting = attacher_.waiting();
  if (waiting && !waiting->reason.empty()) return waiting->reason;
  return check_.error().empty() ? mailboxes_.outage.get() : check_.error();
}

// After other files were put in place, a damaged database is not stored.
bool CaptureLoop::check_content(Attachment& found) {
  const auto damage = check_.find_damage(found, [this] {
    const auto orders = mailboxes_.orders.get();
    return orders.quit || (orders.flush && clock_.mono() >= *orders.flush);
  });
  if (damage.empty()) return true;
  found.owner().abandon();  // the files stay as they are
  errors_.attach = damage;
  attacher_.on_detached(kDamagedRetry);
  if (is_finishing()) halt(damage);
  return false;
}

// Checks everything once more: earlier results may be out of date.
EndSight CaptureLoop::look_at_end() {
  const auto at_path = DatabaseFiles::at(options_.database);
  EndSight sight{.halted = halted_,
                 .is_database_there = at_path.has_database() || !at_path.is_told(),
                 .was_attached = past_.was_attached,
                 .is_hopeless = attacher_.has_no_hope(),
                 .has_left_unstored = past_.left_unstored,
                 .txid = stored_.txid(),
                 .error = error(),
                 .doubt = check_.doubt().text()};
  sight.is_file_captured =
      is_attached() && check_files() &&
      attachment_->difference(DatabaseFiles::at(options_.database)) == Difference::None;
  sight.is_attached = is_attached();
  if (!sight.is_file_captured) return sight;
  const auto wal = attachment_->inspect_wal(stored_.up_to().wal);
  sight.is_wal_read = wal.is_read;
  sight.is_stored = !schedule_.is_out() && !wal.has_news;
  sight.is_wal_beyond = wal.is_beyond;
  return sight;
}

// The replica lacks files that a snapshot can replace, and the requested one was not tried yet.
bool CaptureLoop::is_mend_due() const {
  if (!is_attached()) return false;
  if (!mailboxes_.looked_at_end.get() || mailboxes_.moved_back.get()) return true;
  return can_mend() && !schedule_.has_taken(mailboxes_.sync_requests->requested().snapshot);
}

bool CaptureLoop::finish(MonoTime deadline) {
  // A compaction may still have the snapshot; it was told to stop.
  const bool is_late = clock_.mono() + kTruncateMargin > deadline;
  const bool is_held = attachment_ && (!attachment_->has_snapshot() || checkpointer_.is_lending());
  if (is_held && !is_late) return false;
  if (is_mend_due() && !is_late) return false;
  Verdict verdict = decide_verdict(look_at_end());
  if (is_attached() && !check_.doubt().text().empty() && verdict.missing == check_.doubt().text()) {
    check_.doubt().resolve(*attachment_, deadline);
    verdict = decide_verdict(look_at_end());
  }
  if (verdict.outcome == FlushOutcome::Ok && !is_checkpointed_ && !is_late) {
    is_checkpointed_ = settle();
    verdict = decide_verdict(look_at_end());
    is_checkpointed_ = is_checkpointed_ && verdict.outcome == FlushOutcome::Ok;
  }
  if (!verdict.is_final && clock_.mono() < deadline) return false;
  // The -wal at the path is empty and walwrap's own: the look before this verdict found that.
  const bool is_ok = verdict.outcome == FlushOutcome::Ok;
  if (is_checkpointed_ && is_ok) attachment_->owner().remove_wal_on_close();
  mailboxes_.report.offer({.outcome = verdict.outcome,
                           .txid = stored_.txid(),
                           .lag_bytes = lag(),
                           .checkpointed = is_checkpointed_,
                           .missing = std::move(verdict.missing)});
  // The snapshot's connection first. The uploader has none now, or will close its own.
  if (attachment_ && attachment_->has_snapshot()) attachment_.reset();
  mailboxes_.main_wakeup.notify();
  return true;
}

MonoTime CaptureLoop::next_turn() const {
  const MonoTime now = clock_.mono();
  MonoTime until = watch_.next_look(watch_situation(), now);
  if (is_attached()) {
    until = std::min({until, checkpointer_.next_look(), std::max(now, schedule_.next()),
                      settle_pause_.next_look(now)});
  }
  if (!attachment_ && !is_halted()) until = std::min(until, std::max(now, attacher_.next_try()));
  return until;
}

void CaptureLoop::on_waited(bool is_news) {
  mailboxes_.capture_wakeup.drain();
  mailboxes_.sync_requests->asked().drain();
  if (!is_news) return;
  settle_pause_.on_event();
  if (!attachment_) attacher_.on_news();
}

}  // namespace walwrap::replication
