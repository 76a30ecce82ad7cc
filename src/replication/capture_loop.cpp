#include "walwrap/replication/capture_loop.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "walwrap/replication/state.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMovedCheck{2000};
constexpr milliseconds kNoMomentNow{1};
constexpr milliseconds kTruncateMargin{100};

}  // namespace

CaptureLoop::CaptureLoop(Options options, Exchange& exchange, const os::Clock& clock,
                         const Log& log)
    : options_(std::move(options)),
      exchange_(exchange),
      clock_(clock),
      log_(log),
      watch_(options_.database, clock),
      attacher_(options_.database, options_.name, clock, log),
      checkpointer_(options_.name, options_.checkpoint, clock, log),
      pace_(options_.pace),
      pace_of_waits_(options_.pace_of_waits.value_or(options_.pace)),
      ledger_(options_.txid),
      txid_(options_.txid),
      stored_pages_(options_.stored_pages),
      stored_{.as_of = {}, .log = options_.stored_wal} {}

CaptureLoop::~CaptureLoop() {
  // Wherever the snapshot is: its connection goes before the owner's.
  exchange_.job.take();
  exchange_.snapshot.take();
}

void CaptureLoop::run() {
  watch_.start({exchange_.capture_wakeup.descriptor(), exchange_.inquiry->asked().descriptor()});
  if (!watch_.works()) {
    log_.warn("inotify does not work here, polling instead", {{"db", options_.name}});
  }
  if (options_.attached) adopt(std::move(options_.attached));
  while (true) {
    orders_ = exchange_.orders.get();
    if (orders_.quit) break;
    if (orders_.hurry) pace_.hurry();
    take_answers();
    if (!attachment_ && !halted_ && !detaching_) attach();
    if (attachment_) look();
    publish();
    if (is_finishing() && finish(*orders_.flush)) break;
    wait();
  }
}

void CaptureLoop::attach() {
  const auto others = is_finishing() ? Attacher::Others::None : Attacher::Others::App;
  if (!attacher_.is_due(others)) return;
  auto owner = attacher_.try_attach(others, watch_.idle_pause());
  if (!owner) return note(owner.error());
  if (*owner) adopt(*std::move(owner));
}

void CaptureLoop::adopt(std::unique_ptr<sqlite::CheckpointOwner> owner) {
  if (options_.page_size.value != 0 && options_.page_size != owner->page_size()) {
    halt(
        fmt::format("the database has pages of {} bytes, what is stored has {}: it needs a new "
                    "replica, an empty place given as --replica",
                    owner->page_size(), options_.page_size));
    return;
  }
  // The saved position is of the log we find first, if of any.
  auto opened =
      Attachment::open(std::move(owner), std::exchange(options_.stored_wal, std::nullopt));
  if (!opened) {
    note(opened.error());
    attacher_.on_failed();
    return;
  }
  attachment_ = *std::move(opened);
  options_.page_size = attachment_->owner().page_size();
  checkpointer_.on_attached();
  watch_.watch_log();
  note_attached();
  log_.info("attached", {{"db", options_.name}, {"page_bytes", options_.page_size}});
}

// Another file at this path has another id, and so has the same one of another run.
void CaptureLoop::note_attached() {
  const auto status = os::status_of(options_.database);
  const os::FileId id = status ? status->id : os::FileId{};
  const std::array<std::uint64_t, 3> parts{options_.run.value, id.device, id.inode};
  ledger_.on_attached({page_sum(std::as_bytes(std::span(parts)))}, {os::random_u64()});
}

void CaptureLoop::detach(std::string_view why) {
  ledger_.on_detached();
  log_.warn("detached", {{"db", options_.name}, {"cause", why}});
  detaching_ = attachment_ && !attachment_->has_snapshot();
  if (detaching_) return;
  attachment_.reset();
  attacher_.on_detached();
}

void CaptureLoop::halt(const std::string& why) {
  log_.error("replication stopped, the app goes on", {{"db", options_.name}, {"cause", why}});
  halted_ = true;
  trouble_ = why;
  ledger_.on_halted(why);
  if (attachment_) detach("replication stopped");
}

void CaptureLoop::note(const Error& error) {
  if (error.code == Code::Busy) return;  // another try is always near
  switch (episode_.on_failure(clock_.mono())) {
    case FailureEpisode::Say::Started:
    case FailureEpisode::Say::Continues:
      log_.warn("capture failed, will be tried again",
                {{"db", options_.name}, {"cause", error.text}, {"failures", episode_.failures()}});
      break;
    default:
      break;
  }
}

void CaptureLoop::take_answers() {
  if (auto snapshot = exchange_.snapshot.take()) {
    attachment_->give_back(*std::move(snapshot));
    if (detaching_) attachment_.reset();
    detaching_ = false;
  }
  if (auto done = exchange_.done.take()) take_answer(*done);
}

void CaptureLoop::take_answer(const UploadDone& done) {
  job_out_ = false;
  job_bytes_ = 0;
  txid_ = done.txid;
  stored_pages_ = done.pages;
  trouble_ = done.trouble;
  wants_frames_ = done.wants_frames;
  if (done.kind == UploadJob::Kind::Snapshot) note_snapshot(done);
  const bool is_equal = done.kind == UploadJob::Kind::Compare && done.to_store.empty() &&
                        done.trouble.empty() && done.txid.value > 0;
  ledger_.on_done(done.stored || is_equal ? Ledger::Became::Stored : Ledger::Became::NothingNew,
                  done.txid);
  if (done.stored || is_equal) stored_ = job_covers_;
  if (!done.stored && !done.trouble.empty()) ++uploads_.failed;
  if (done.stored && done.kind == UploadJob::Kind::Changes) {
    uploads_.took.observe(std::chrono::duration<double>(done.took).count());
    // What somebody asked for does not make others wait.
    if (job_is_paced_) pace_.on_upload(done.started, done.took, watch_.writer());
    pace_of_waits_.on_upload(done.started, done.took, watch_.writer());
    last_put_ = std::chrono::duration_cast<milliseconds>(done.took);
  }
  uploads_.bytes += done.bytes + done.merged;
  if (done.bytes > 0) {
    stored_at_ = clock_.wall();
  }
  // Of a file that is no longer attached this is void: the next one is compared as a whole.
  if (attachment_) {
    attachment_->capture().add_pending(done.to_store);
    if (done.compare_again) attachment_->capture().require_compare();
  }
  if (done.stop) halt(done.trouble);
}

void CaptureLoop::note_snapshot(const UploadDone& done) {
  const auto& [bytes, trouble] = done.snapshot;
  if (!trouble.empty()) {
    log_.warn("snapshot not stored", {{"db", options_.name}, {"cause", trouble}});
  }
  ledger_.on_snapshot({.ticket = snapshot_out_,
                       .txid = done.txid,
                       .bytes = bytes,
                       .stored_at = clock_.wall(),
                       .trouble = trouble});
}

void CaptureLoop::look() {
  const MonoTime now = clock_.mono();
  if (now >= next_moved_check_) {
    next_moved_check_ = now + kMovedCheck;
    if (attachment_->owner().has_moved()) {
      detach("the database file was replaced or deleted");
      return;
    }
  }
  watch_.on_look();
  const Wishes wishes = exchange_.inquiry->wishes();  // before the look that answers them
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
    ledger_.on_look(attachment_->capture().commits(), wishes);
    snapshot_asked_ = wishes.snapshot;
    looked_ = now;
  }
  if (!checkpointer_.goes_first(attachment_->owner(), *index, situation())) offer_job();
  const auto done = checkpointer_.run(attachment_->owner(), *index, situation(),
                                      [this] { return capture_now(); });
  if (!done) note(done.error());
}

Checkpointer::Situation CaptureLoop::situation() const {
  return {.last_commit = last_commit_,
          .snapshot_open = !attachment_->has_snapshot(),
          .missed_commits = attachment_->capture().missed_commits(),
          .can_prove = attachment_->capture().can_prove()};
}

Result<void> CaptureLoop::capture_now() {
  const auto index = attachment_->owner().read_index();
  if (!index) return fail(Code::Busy, "the WAL index is being written");
  const bool any = TRY(attachment_->capture().drain(*index));
  if (any) last_commit_ = clock_.mono();
  return {};
}

void CaptureLoop::offer_job() {
  const MonoTime now = clock_.mono();
  next_job_ = MonoTime::max();
  const bool compare = attachment_->capture().needs_compare();
  const bool whole = !compare && snapshot_asked_ > snapshot_out_ && !orders_.hurry;
  const bool is_wanted = compare || whole || attachment_->capture().has_pending();
  if (!is_wanted || job_out_ || !attachment_->has_snapshot()) return;
  next_job_ = compare || whole || ledger_.is_urgent() ? now : pace_.next_allowed(now);
  const bool is_awaited = options_.pace_of_waits && ledger_.is_awaited();
  if (is_awaited) next_job_ = std::min(next_job_, pace_of_waits_.next_allowed(now));
  if (next_job_ > now) return;
  const Bytes waiting = lag();
  // With nothing stored yet there is nothing to compare with: all pages go up.
  const bool first_image = compare && txid_.value == 0;
  const auto frames = wants_frames_ ? Capture::Frames::Every : Capture::Frames::OfPages;
  auto shot = compare || whole
                  ? attachment_->capture().take_all(attachment_->owner(), attachment_->snapshot())
                  : attachment_->capture().take(attachment_->owner(), attachment_->snapshot(),
                                                stored_pages_, frames);
  if (!shot) {
    note(shot.error());
    next_job_ = now + kNoMomentNow;
    return;
  }
  next_job_ = MonoTime::max();
  if (!*shot) return;
  auto kind = UploadJob::Kind::Changes;
  if (compare && !first_image) kind = UploadJob::Kind::Compare;
  if (whole) kind = UploadJob::Kind::Snapshot;
  if (whole) snapshot_out_ = snapshot_asked_;
  job_bytes_ = whole ? waiting : 0;  // of all those pages, only these are news
  if (kind == UploadJob::Kind::Changes) {
    job_bytes_ = (*shot)->pages.size() * attachment_->owner().page_size().value;
  }
  UploadJob job{.kind = kind,
                .snapshot = attachment_->lend_snapshot(),
                .page_size = attachment_->owner().page_size(),
                .pages = std::move((*shot)->pages),
                .commit = (*shot)->commit,
                .covers = (*shot)->covers,
                .every_frame = compare || whole || wants_frames_};
  ledger_.on_taken(attachment_->capture().commits());
  job_covers_ = {.as_of = now, .log = job.covers};
  job_is_paced_ = !ledger_.is_urgent() && !is_awaited;
  job_out_ = exchange_.job.offer(std::move(job));
  WW_CHECK(job_out_);
  exchange_.upload_wakeup.notify();
}

Bytes CaptureLoop::lag() const {
  const Bytes page = options_.page_size.value;
  if (const auto waiting = attacher_.waiting()) return waiting->bytes;
  return job_bytes_ + (attachment_ ? attachment_->capture().pending().size() * page : 0);
}

void CaptureLoop::publish() {
  if (attachment_ && !job_out_ && !attachment_->capture().has_news()) {
    ledger_.on_all_stored(ledger_.progress().committed.commits);
    stored_.as_of = std::max(stored_.as_of, looked_);
  }
  exchange_.status.set({.txid = txid_,
                        .lag_bytes = lag(),
                        .last_put = last_put_,
                        .attached = attachment_ != nullptr,
                        .waits_since = waits_since(),
                        .trouble = trouble(),
                        .stored = stored_,
                        .stored_at = stored_at_,
                        .uploads = uploads_,
                        .checkpoints = checkpointer_.counts()});
  exchange_.inquiry->publish(ledger_.progress());
}

std::optional<MonoTime> CaptureLoop::waits_since() const {
  const auto waiting = attacher_.waiting();
  return waiting ? std::optional(waiting->since) : std::nullopt;
}

// What came back with a job, or what keeps the one that is out.
std::string CaptureLoop::trouble() const {
  const auto waiting = attacher_.waiting();
  if (trouble_.empty() && waiting && !waiting->reason.empty()) return waiting->reason;
  return trouble_.empty() ? exchange_.outage.get() : trouble_;
}

bool CaptureLoop::is_all_stored() {
  if (!attachment_) {
    const auto status = os::status_of(options_.database);
    const bool absent = !status && status.error().code == Code::NotFound;
    return absent || (status && status->size == 0);
  }
  const auto index = attachment_->owner().read_index();
  if (!index || job_out_) return false;
  const auto drained = attachment_->capture().drain(*index);
  const bool is_found = drained && !*drained && attachment_->capture().is_proven(*index);
  return is_found && !attachment_->capture().has_news();
}

bool CaptureLoop::finish(MonoTime deadline) {
  if (halted_) {
    report(FlushOutcome::Failed, trouble_);
    return true;
  }
  // A merge may still have the snapshot; it has been told to hurry.
  const bool is_ours = !attachment_ || attachment_->has_snapshot();
  const bool is_free =
      (is_ours && !checkpointer_.is_lending()) || clock_.mono() + kTruncateMargin > deadline;
  if (is_free && is_all_stored()) {
    if (attachment_) truncate_log(deadline);
    if (is_all_stored()) {
      report(FlushOutcome::Ok, "");
      return true;
    }
  }
  if (clock_.mono() < deadline) return false;
  const bool never_attached = !attachment_;
  const std::string why = trouble();
  report(why.empty() && !never_attached ? FlushOutcome::Partial : FlushOutcome::Failed,
         never_attached ? "the database could not be opened"
         : why.empty()  ? "the time was too short"
                        : why);
  return true;
}

void CaptureLoop::truncate_log(MonoTime deadline) {
  if (checkpointed_ || clock_.mono() + kTruncateMargin > deadline) return;
  const auto truncated = attachment_->owner().truncate();
  if (!truncated) {
    log_.warn("final checkpoint failed", {{"cause", truncated.error().text}});
    return;
  }
  checkpointed_ = *truncated;
  if (checkpointed_) attachment_->owner().remove_wal_on_close();
}

void CaptureLoop::report(FlushOutcome outcome, std::string missing) {
  exchange_.report.offer({.outcome = outcome,
                          .txid = txid_,
                          .lag_bytes = lag(),
                          .checkpointed = checkpointed_,
                          .missing = std::move(missing)});
  // The snapshot's connection first; the uploader has none now, or will end its own.
  if (attachment_ && attachment_->has_snapshot()) attachment_.reset();
  exchange_.main_wakeup.notify();
}

void CaptureLoop::wait() {
  const MonoTime now = clock_.mono();
  const LogWatch::Situation situation{
      .attached = attachment_ != nullptr,
      .has_pending = attachment_ && attachment_->capture().has_pending(),
      .is_finishing = is_finishing()};
  MonoTime until = watch_.next_look(situation, now);
  if (attachment_) until = std::min({until, checkpointer_.next_look(), std::max(now, next_job_)});
  if (!attachment_ && !halted_) until = std::min(until, std::max(now, attacher_.next_try()));
  const bool is_news = watch_.wait(situation, until);
  exchange_.capture_wakeup.drain();
  exchange_.inquiry->asked().drain();
  if (!is_news) return;
  attacher_.on_news();
  next_moved_check_ = clock_.mono();
}

}  // namespace walwrap::replication
