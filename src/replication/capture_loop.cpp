#include "walwrap/replication/capture_loop.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/replication/capture_log.hpp"
#include "walwrap/replication/replica/state.hpp"

namespace walwrap::replication {
namespace {

constexpr std::chrono::milliseconds kNoMomentNow{1}, kQuiet{100}, kTruncateMargin{100};
constexpr std::chrono::milliseconds kDamagedRetry{2000};
// A writer that replaces a database has mostly ended by then.
constexpr std::chrono::milliseconds kWritten{20};
constexpr std::chrono::milliseconds kReplicaAsk{1000};  // while a client waits and it is not known

}  // namespace

CaptureLoop::CaptureLoop(Options options, Mailboxes& mailboxes, const os::Clock& clock,
                         const Log& log)
    : options_(std::move(options)),
      mailboxes_(mailboxes),
      clock_(clock),
      log_(log),
      watch_(options_.database, clock),
      attacher_(options_.database, options_.name, clock, log),
      doubt_(options_.name, clock, log),
      checkpointer_(options_.name, options_.checkpoint, clock, log),
      pace_(options_.pace, options_.pace_of_waits),
      tracker_(options_.txid),
      txid_(options_.txid),
      stored_pages_(options_.stored_pages),
      stored_{.as_of = {}, .log = options_.stored_wal} {}

CaptureLoop::~CaptureLoop() {
  // Wherever the snapshot is: its connection goes before the owner's.
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
  // What an earlier run has left in the WAL goes into the database file: from now on the app, or
  // what starts it, may take the -wal and the -shm for leftovers.
  const bool is_read = attachment_ && attachment_->drain();
  if (is_read && attachment_->find_others() == OtherUsers::None) settle();
}

void CaptureLoop::run() {
  os::take_short_turns();
  prepare();
  while (true) {
    orders_ = mailboxes_.orders.get();
    if (orders_.quit) break;
    if (orders_.hurry) pace_.hurry();
    if (is_finishing()) attacher_.on_finishing();
    take_answers();
    if (!attachment_ && !halted_) attach();
    if (is_attached()) look();
    publish();
    if (is_finishing() && finish(*orders_.flush)) break;
    wait();
  }
}

void CaptureLoop::attach() {
  const auto others = is_finishing() ? Attacher::Others::None : Attacher::Others::App;
  if (!attacher_.is_due(others)) return;
  auto owner = attacher_.try_attach(others, watch_.idle_pause());
  if (!owner) return note_not_attached(owner.error());
  attach_error_ = attacher_.absence();
  if (*owner) adopt(*std::move(owner));
}

void CaptureLoop::note_not_attached(const Error& error) {
  note(error);
  attach_error_ = error.text;
}

void CaptureLoop::adopt(std::unique_ptr<sqlite::CheckpointOwner> owner) {
  if (options_.page_size.value != 0 && options_.page_size != owner->page_size()) {
    return halt(describe_page_sizes(owner->page_size(), options_.page_size));
  }
  // The saved position is of the log we find first, if of any.
  auto opened = Attachment::open(std::move(owner), std::exchange(options_.stored_wal, std::nullopt),
                                 FileNote(options_.directory));
  if (!opened) {
    attacher_.on_failed();
    return note_not_attached(opened.error());
  }
  if (!check_content(**opened)) return;
  attachment_ = *std::move(opened);
  attach_error_.clear();
  was_attached_ = true;
  checkpointed_ = false;
  settle_pause_.on_event();
  options_.page_size = attachment_->owner().page_size();
  checkpointer_.on_attached();
  watch_.watch_wal();
  tracker_.on_attached(attachment_->file_in(options_.run), {os::random_u64()});
  log_.info("attached", {{"db", options_.name}, {"page_bytes", options_.page_size}});
}

void CaptureLoop::detach(std::string_view reason, std::chrono::nanoseconds before_next) {
  if (!is_attached()) return;
  // It may be read to its end, for as long as it is open here.
  if (!halted_) ignore(attachment_->drain(), "what cannot be read is not stored either");
  has_left_unstored_ = job_out_ || attachment_->capture().has_news();
  log_.warn("detached", {{"db", options_.name}, {"cause", reason}, {"unstored_bytes", lag()}});
  tracker_.on_detached();
  attacher_.on_detached(before_next);
  attachment_->owner().abandon();
  detaching_ = !attachment_->has_snapshot();
  if (!detaching_) attachment_.reset();
}

// Of every look, and of every verdict. False: what was attached is not the database any more.
bool CaptureLoop::check_files() {
  const auto at_path = DatabaseFiles::at(options_.database);
  const auto difference = attachment_->difference(at_path);
  const auto others =
      difference == Difference::None ? OtherUsers::NotKnown : attachment_->find_others();
  switch (react_to(difference, others, is_finishing())) {
    case Reaction::GoOn:
      files_error_.clear();
      break;
    case Reaction::KeepReading:
      if (!files_error_.empty()) break;
      files_error_ = log_missing_file(log_, options_.name, difference);
      break;
    case Reaction::CheckpointReattach:
      if (settle()) detach(describe(difference));
      return is_attached();
    case Reaction::Reattach:
      if (difference == Difference::DatabaseReplaced) doubt_.on_replaced(*attachment_, at_path);
      doubt_.on_changed();
      detach(describe(difference));
      return false;
  }
  if (!at_path.is_told()) return true;
  const auto who =
      checkpointer_.is_lending() ? Attachment::Checkpoints::Lent : Attachment::Checkpoints::Ours;
  if (attachment_->is_content_known(*at_path.database, who)) return true;
  on_foreign_write();
  return false;
}

void CaptureLoop::on_foreign_write() {
  doubt_.on_replaced(*attachment_, DatabaseFiles::at(options_.database));
  doubt_.on_changed();
  detach("the database file was written by something else than SQLite in WAL mode", kWritten);
}

// A database that nobody has open is one file, as without us. True: it is now.
bool CaptureLoop::settle_if_unused(const sqlite::IndexView& index) {
  const bool is_settled = index.header.max_frame == 0 && index.header.pages == 0;
  const MonoTime now = clock_.mono();
  // Where no event tells that it was closed, a pause may be the reason.
  if (!watch_.works() && now - last_commit_ > kQuiet) settle_pause_.on_event();
  if (is_settled || !settle_pause_.wants_look(now)) return false;
  if (!attachment_->has_snapshot() || !attachment_->capture().has_read(index)) return false;
  const bool is_unused = attachment_->find_others() == OtherUsers::None;
  const auto use = is_unused ? SettlePause::Use::Unused : SettlePause::Use::InUse;
  if (!settle_pause_.on_look(use, last_commit_, now)) return false;
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
  halted_ = true;
  error_ = reason;
  tracker_.on_halted(reason);
  if (is_attached()) detach("replication stopped");
}

void CaptureLoop::note(const Error& error) {
  log_capture_failure(log_, options_.name, error, episode_, clock_.mono());
}

void CaptureLoop::take_answers() {
  if (auto snapshot = mailboxes_.snapshot.take()) {
    attachment_->give_back(*std::move(snapshot));
    if (std::exchange(detaching_, false)) attachment_.reset();
  }
  if (auto done = mailboxes_.done.take()) take_answer(*done);
  if (!attachment_ || !mailboxes_.moved_back.get()) return;
  mailboxes_.moved_back.set(false);
  attachment_->capture().require_compare();
  tracker_.on_unknown();
}

void CaptureLoop::take_answer(const UploadDone& done) {
  job_out_ = false;
  job_bytes_ = 0;
  txid_ = done.txid;
  stored_pages_ = done.pages;
  error_ = done.error;
  wants_frames_ = done.wants_frames;
  if (done.kind == UploadJob::Kind::Snapshot) {
    tracker_.on_snapshot(log_snapshot(log_, options_.name, done, snapshot_out_, clock_.wall()));
  }
  const bool is_equal = done.kind == UploadJob::Kind::Compare && done.to_store.empty() &&
                        done.error.empty() && !done.recalled && done.txid.value > 0;
  using Became = CommitTracker::Became;
  tracker_.on_done(done.stored || is_equal ? Became::Stored : Became::NothingNew, done.txid);
  const bool is_void = !attachment_ || job_of_ != tracker_.progress().committed.attachment;
  if (!is_void && (done.stored || is_equal)) stored_ = job_covers_;
  uploads_.on_done(done, clock_.wall());
  if (done.stored && done.kind == UploadJob::Kind::Changes) {
    const auto writer = watch_.is_writer_pausing() ? Writer::Pauses : Writer::NeverPauses;
    pace_.on_upload(done.started, done.took, writer, job_is_paced_);
  }
  if (!is_void) {
    attachment_->capture().add_pending(done.to_store);
    if (done.compare_again) {
      attachment_->capture().require_compare();
      tracker_.on_unknown();
    }
    if (done.recalled && done.kind == UploadJob::Kind::Compare) {
      attachment_->capture().resume_compare();
    }
  }
  if (done.stop) halt(done.error);
}

void CaptureLoop::look() {
  const MonoTime now = clock_.mono();
  watch_.on_look();
  // Before the look that answers them.
  const Requested requested = mailboxes_.sync_requests->requested();
  if (!check_files()) return;
  const auto index = attachment_->owner().read_index();
  if (!index) {
    // A writer died while it was publishing: recovery is our duty, for it needs our lock.
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
    last_commit_ = now;
    watch_.on_commit(now);
  }
  watch_.choose(now, last_commit_);
  if (attachment_->capture().has_read(*index)) {
    tracker_.on_look(attachment_->capture().commits(), requested);
    snapshot_asked_ = requested.snapshot;
    looked_ = now;
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
  return {.last_commit = last_commit_,
          .snapshot_open = !attachment_->has_snapshot(),
          .missed_commits = attachment_->capture().missed_commits(),
          .can_prove = attachment_->capture().can_prove()};
}

// A checkpoint copies what was captured by then, and no later frame. So the files that are the same
// now are those that the frames belong to.
Result<void> CaptureLoop::capture_now() {
  const auto difference = attachment_->difference(DatabaseFiles::at(options_.database));
  if (react_to(difference, OtherUsers::Some, is_finishing()) == Reaction::Reattach) {
    return fail(Code::Busy, "{}", describe(difference));
  }
  const bool any = TRY(attachment_->drain());
  if (any) last_commit_ = clock_.mono();
  return {};
}

void CaptureLoop::offer_job() {
  const MonoTime now = clock_.mono();
  next_job_ = MonoTime::max();
  const bool compare = attachment_->capture().needs_compare();
  const bool whole =
      !compare && snapshot_asked_ > snapshot_out_ &&
      (!orders_.hurry || attachment_->can_mend(mailboxes_.replica.get(), stored_pages_));
  const bool is_wanted = compare || whole || attachment_->capture().has_pending();
  if (!is_wanted || job_out_ || !attachment_->has_snapshot()) return;
  const bool is_urgent = compare || whole || tracker_.is_urgent();
  next_job_ = is_urgent ? now : pace_.next_allowed(now, tracker_.is_awaited());
  if (next_job_ > now) return;
  const Bytes waiting = lag();
  auto kind = whole ? UploadJob::Kind::Snapshot : UploadJob::Kind::Changes;
  // With nothing stored yet there is nothing to compare with: all pages go up.
  if (compare && txid_.value > 0) kind = UploadJob::Kind::Compare;
  // A merge keeps the snapshot for longer than a writer at full speed leaves time for.
  const bool may_merge = wants_frames_ && !checkpointer_.is_at_full_speed();
  auto job = attachment_->make_job({.kind = kind,
                                    .all_pages = compare || whole,
                                    .every_frame = compare || whole || may_merge,
                                    .stored_pages = stored_pages_});
  if (!job) {
    note(job.error());
    next_job_ = now + kNoMomentNow;
    return;
  }
  next_job_ = MonoTime::max();
  if (!*job) return;
  if (whole) snapshot_out_ = snapshot_asked_;
  job_bytes_ = whole ? waiting : 0;  // of all those pages, only these are news
  if (kind == UploadJob::Kind::Changes) {
    job_bytes_ = (*job)->pages.size() * options_.page_size.value;
  }
  tracker_.on_taken(attachment_->capture().commits());
  job_of_ = tracker_.progress().committed.attachment;
  job_covers_ = {.as_of = now, .log = (*job)->covers};
  job_is_paced_ = !tracker_.is_urgent() && !pace_.is_for(tracker_.is_awaited());
  mailboxes_.recalled.set(false);
  job_out_ = mailboxes_.job.offer(**std::move(job));
  WW_CHECK(job_out_);
  mailboxes_.upload_wakeup.notify();
}

Bytes CaptureLoop::lag() const {
  const Bytes page = options_.page_size.value;
  if (const auto waiting = attacher_.waiting()) return waiting->bytes;
  return job_bytes_ + (attachment_ ? attachment_->capture().pending().size() * page : 0);
}

void CaptureLoop::publish() {
  const bool is_all_stored = is_attached() && !job_out_ && !attachment_->capture().has_news();
  if (is_all_stored) {
    tracker_.on_all_stored(tracker_.progress().committed.commits);
    stored_.as_of = std::max(stored_.as_of, looked_);
  }
  if (is_attached()) attachment_->note(is_all_stored);
  const auto waiting = attacher_.waiting();
  mailboxes_.status.set({.txid = txid_,
                         .lag_bytes = lag(),
                         .last_put = uploads_.last_put(),
                         .attached = is_attached(),
                         .files = is_attached() ? attachment_->files() : DatabaseFiles{},
                         .waits_since = waiting ? std::optional(waiting->since) : std::nullopt,
                         .error = error(),
                         .stored = stored_,
                         .stored_at = uploads_.stored_at(),
                         .uploads = uploads_.counts(),
                         .checkpoints = checkpointer_.counts()});
  note_replica();
  mailboxes_.sync_requests->publish(tracker_.progress());
}

// Nobody is told that something is stored by a replica that was not looked at lately.
void CaptureLoop::note_replica() {
  const MonoTime now = clock_.mono();
  const bool is_proven = now < mailboxes_.replica.get().proven_until;
  tracker_.on_proven(is_proven);
  if (is_proven || now < next_replica_ask_ || !mailboxes_.sync_requests->requested().listening)
    return;
  next_replica_ask_ = now + kReplicaAsk;
  mailboxes_.ask_replica_look(LookAt::Newest);
}

// What came back with a job, or what keeps the one that is out.
std::string CaptureLoop::error() const {
  if (auto lost = mailboxes_.replica.get().lost; !lost.empty()) return lost;
  if (!attach_error_.empty()) return attach_error_;
  if (!error_.empty()) return error_;
  const auto waiting = attacher_.waiting();
  if (waiting && !waiting->reason.empty()) return waiting->reason;
  return files_error_.empty() ? mailboxes_.outage.get() : files_error_;
}

// After other files were put in place, what is damaged is not stored.
bool CaptureLoop::check_content(Attachment& found) {
  const auto damage = doubt_.check(found, [this] {
    const auto orders = mailboxes_.orders.get();
    return orders.quit || (orders.flush && clock_.mono() >= *orders.flush);
  });
  if (damage.empty()) return true;
  found.owner().abandon();  // the files stay as they are
  attach_error_ = damage;
  attacher_.on_detached(kDamagedRetry);
  if (is_finishing()) halt(damage);
  return false;
}

// Looks at everything once more: what was seen before may have changed.
EndSight CaptureLoop::look_at_end() {
  const auto at_path = DatabaseFiles::at(options_.database);
  EndSight sight{.halted = halted_ ? error_ : "",
                 .is_database_there = at_path.has_database() || !at_path.is_told(),
                 .was_attached = was_attached_,
                 .is_hopeless = attacher_.has_no_hope(),
                 .has_left_unstored = has_left_unstored_,
                 .txid = txid_,
                 .error = error(),
                 .doubt = doubt_.text()};
  sight.is_file_captured =
      is_attached() && check_files() &&
      attachment_->difference(DatabaseFiles::at(options_.database)) == Difference::None;
  sight.is_attached = is_attached();
  if (!sight.is_file_captured) return sight;
  const auto wal = attachment_->inspect_wal(stored_.log);
  sight.is_log_read = wal.is_read;
  sight.is_stored = !job_out_ && !wal.has_news;
  sight.is_log_beyond = wal.is_beyond;
  return sight;
}

// The replica lacks what a snapshot can replace, and one that was asked for was not tried yet.
bool CaptureLoop::is_mend_due() const {
  if (!is_attached()) return false;
  if (!mailboxes_.looked_at_end.get() || mailboxes_.moved_back.get()) return true;
  return attachment_->can_mend(mailboxes_.replica.get(), stored_pages_) &&
         mailboxes_.sync_requests->requested().snapshot > snapshot_out_;
}

bool CaptureLoop::finish(MonoTime deadline) {
  // A merge may still have the snapshot; it has been told to hurry.
  const bool is_late = clock_.mono() + kTruncateMargin > deadline;
  const bool is_held = attachment_ && (!attachment_->has_snapshot() || checkpointer_.is_lending());
  if (is_held && !is_late) return false;
  if (is_mend_due() && !is_late) return false;
  Verdict verdict = decide_verdict(look_at_end());
  if (is_attached() && !doubt_.text().empty() && verdict.missing == doubt_.text()) {
    doubt_.resolve(*attachment_, deadline);
    verdict = decide_verdict(look_at_end());
  }
  if (verdict.outcome == FlushOutcome::Ok && !checkpointed_ && !is_late) {
    checkpointed_ = settle();
    verdict = decide_verdict(look_at_end());
    checkpointed_ = checkpointed_ && verdict.outcome == FlushOutcome::Ok;
  }
  if (!verdict.is_final && clock_.mono() < deadline) return false;
  // The -wal at the path is empty and ours: the look before this verdict has seen it.
  const bool is_ok = verdict.outcome == FlushOutcome::Ok;
  if (checkpointed_ && is_ok) attachment_->owner().remove_wal_on_close();
  mailboxes_.report.offer({.outcome = verdict.outcome,
                           .txid = txid_,
                           .lag_bytes = lag(),
                           .checkpointed = checkpointed_,
                           .missing = std::move(verdict.missing)});
  // The snapshot's connection first; the uploader has none now, or will end its own.
  if (attachment_ && attachment_->has_snapshot()) attachment_.reset();
  mailboxes_.main_wakeup.notify();
  return true;
}

void CaptureLoop::wait() {
  const MonoTime now = clock_.mono();
  const bool has_pending = is_attached() && attachment_->capture().has_pending();
  const WalWatch::Situation situation{is_attached(), has_pending, is_finishing()};
  MonoTime until = watch_.next_look(situation, now);
  if (is_attached()) {
    until = std::min(
        {until, checkpointer_.next_look(), std::max(now, next_job_), settle_pause_.next_look(now)});
  }
  if (!attachment_ && !halted_) until = std::min(until, std::max(now, attacher_.next_try()));
  const bool is_news = watch_.wait(situation, until);
  mailboxes_.capture_wakeup.drain();
  mailboxes_.sync_requests->asked().drain();
  if (!is_news) return;
  settle_pause_.on_event();
  if (!attachment_) attacher_.on_news();
}

}  // namespace walwrap::replication
