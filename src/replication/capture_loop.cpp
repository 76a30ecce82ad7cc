#include "walwrap/replication/capture_loop.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::replication {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t kWakeup = 0, kWatch = 1;  // tokens of the pollers

// A write to the log is seen before its commit is published: look again soon, then less often.
constexpr microseconds kFirstLook{200};
constexpr int kLadder = 6;             // 0.2, 0.4, ... 6.4 ms
constexpr milliseconds kBusyLook{10};  // while something was written lately
constexpr milliseconds kLately{250};
// A writer who has not paused for so long is not watched: the kernel would make him pay for an
// event with each of his writes, and we look all the time anyway.
constexpr milliseconds kSteady{200};
constexpr milliseconds kPause{50};
constexpr milliseconds kIdleLook{2000};      // with inotify: only in case it missed something
constexpr milliseconds kIdleLookBlind{250};  // without
constexpr milliseconds kFinishLook{1};
constexpr milliseconds kAttachRetry{100};  // the file is there, but locked
constexpr milliseconds kTruncateMargin{100};

}  // namespace

CaptureLoop::CaptureLoop(Options options, Exchange& exchange, const os::Clock& clock,
                         const Log& log)
    : options_(std::move(options)),
      exchange_(exchange),
      clock_(clock),
      log_(log),
      checkpointer_(options_.name, options_.checkpoint, clock, log),
      pace_(options_.pace),
      txid_(options_.txid),
      stored_pages_(options_.stored_pages) {}

CaptureLoop::~CaptureLoop() {
  // Wherever the snapshot is: its connection goes before the owner's.
  exchange_.job.take();
  exchange_.snapshot.take();
}

void CaptureLoop::run() {
  auto with_watch = os::Poller::create();
  auto without = os::Poller::create();
  WW_CHECK(with_watch.has_value() && without.has_value());
  with_watch_ = *std::move(with_watch);
  without_ = *std::move(without);
  for (auto* poller : {&*with_watch_, &*without_}) {
    WW_CHECK(poller->add(exchange_.capture_wakeup.descriptor(), kWakeup).has_value());
  }
  auto watch = os::Watch::create();
  if (watch && with_watch_->add(watch->descriptor(), kWatch)) {
    watch_ = *std::move(watch);
    const auto directory = options_.database.parent_path();
    watch_works_ = watch_->watch_directory(directory).has_value() &&
                   os::Watch::self_test(StateDir::path_for(options_.database));
  }
  if (!watch_works_) {
    log_.warn("inotify does not work here, polling instead", {{"db", options_.name}});
  }
  if (options_.attached) adopt(std::move(options_.attached));
  while (true) {
    orders_ = exchange_.orders.get();
    if (orders_.quit) break;
    if (orders_.hurry) pace_.hurry();
    take_answers();
    if (!owner_ && !halted_ && !detaching_) attach();
    if (owner_) look();
    publish();
    if (is_finishing() && finish(*orders_.flush)) break;
    wait();
  }
}

void CaptureLoop::attach() {
  const MonoTime now = clock_.mono();
  if (now < next_attach_ && !is_finishing()) return;
  auto owner = sqlite::CheckpointOwner::attach(options_.database, clock_);
  if (owner) {
    adopt(*std::move(owner));
    return;
  }
  const Code code = owner.error().code;
  const bool absent = code == Code::NotFound;
  next_attach_ = now + (absent ? (watch_works_ ? kIdleLook : kIdleLookBlind) : kAttachRetry);
  if (!absent) note(owner.error());
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
  auto capture = Capture::open(*owner, std::exchange(options_.stored_wal, std::nullopt));
  auto snapshot = sqlite::Snapshot::open(*owner);
  if (!capture || !snapshot) {
    note(capture ? snapshot.error() : capture.error());
    next_attach_ = clock_.mono() + kAttachRetry;
    return;
  }
  owner_ = std::move(owner);
  capture_ = *std::move(capture);
  snapshot_ = *std::move(snapshot);
  options_.page_size = owner_->page_size();
  watch_log();
  log_.info("attached", {{"db", options_.name}, {"page_bytes", owner_->page_size()}});
}

// Whoever calls it looks at the log soon, for what was written before.
void CaptureLoop::watch_log() {
  if (watch_works_ && !watch_->watch_writes(options_.database.string() + "-wal").has_value()) {
    watch_works_ = false;
  }
  is_watching_ = true;
  last_event_ = clock_.mono();
  looks_ = kLadder;
}

void CaptureLoop::choose_watch(MonoTime now) {
  if (!watch_works_) return;
  if (now - last_commit_ > kPause) {
    steady_since_ = now;
    if (!is_watching_) watch_log();
  } else if (is_watching_ && now - steady_since_ > kSteady) {
    watch_->stop_watching_writes();
    is_watching_ = false;
  }
}

void CaptureLoop::detach(std::string_view why) {
  log_.warn("detached", {{"db", options_.name}, {"cause", why}});
  detaching_ = job_out_ && !snapshot_;
  if (detaching_) return;
  snapshot_.reset();
  capture_.reset();
  owner_.reset();
  next_attach_ = clock_.mono();
}

void CaptureLoop::halt(const std::string& why) {
  log_.error("replication stopped, the app goes on", {{"db", options_.name}, {"cause", why}});
  halted_ = true;
  trouble_ = why;
  if (owner_) detach("replication stopped");
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
    snapshot_ = *std::move(snapshot);
    if (detaching_) {
      detaching_ = false;
      snapshot_.reset();
      capture_.reset();
      owner_.reset();
    }
  }
  if (auto done = exchange_.done.take()) take_answer(*done);
}

void CaptureLoop::take_answer(const UploadDone& done) {
  job_out_ = false;
  job_bytes_ = 0;
  txid_ = done.txid;
  stored_pages_ = done.pages;
  trouble_ = done.trouble;
  if (done.stored) {
    pace_.on_upload(done.started, done.took);
    last_put_ = std::chrono::duration_cast<milliseconds>(done.took);
  }
  // Of a file that is no longer attached this is void: the next one is compared as a whole.
  if (capture_) {
    capture_->add_pending(done.to_store);
    if (done.compare_again) capture_->require_compare();
  }
  if (done.stop) halt(done.trouble);
}

void CaptureLoop::look() {
  const MonoTime now = clock_.mono();
  if (now >= next_moved_check_) {
    next_moved_check_ = now + kIdleLook;
    if (owner_->has_moved()) {
      detach("the database file was replaced or deleted");
      return;
    }
  }
  ++looks_;
  const auto index = owner_->read_index();
  if (!index) {
    // A writer died while it was publishing: recovery is our duty, for it needs our lock.
    if (const auto recovered = owner_->recover(); !recovered) note(recovered.error());
    return;
  }
  const auto drained = capture_->drain(*index);
  if (!drained) {
    note(drained.error());
    return;
  }
  episode_.on_success();
  if (*drained) {
    last_commit_ = now;
    last_event_ = now;
    looks_ = kLadder;
  }
  choose_watch(now);
  offer_job();
  const auto done =
      checkpointer_.run(*owner_, *index, {.last_commit = last_commit_, .snapshot_open = !snapshot_},
                        [this] { return capture_now(); });
  if (!done) note(done.error());
}

Result<void> CaptureLoop::capture_now() {
  const auto index = owner_->read_index();
  if (!index) return fail(Code::Busy, "the WAL index is being written");
  const bool any = TRY(capture_->drain(*index));
  if (any) last_commit_ = clock_.mono();
  return {};
}

void CaptureLoop::offer_job() {
  const MonoTime now = clock_.mono();
  next_job_ = MonoTime::max();
  const bool compare = capture_->needs_compare();
  if (job_out_ || !snapshot_ || (!compare && !capture_->has_pending())) return;
  next_job_ = compare ? now : pace_.next_allowed(now);
  if (next_job_ > now) return;
  // With nothing stored yet there is nothing to compare with: all pages go up.
  const bool first_image = compare && txid_.value == 0;
  auto shot = compare ? capture_->take_all(*owner_, *snapshot_)
                      : capture_->take(*owner_, *snapshot_, stored_pages_);
  if (!shot) {
    note(shot.error());
    next_job_ = now + kFinishLook;
    return;
  }
  next_job_ = MonoTime::max();
  if (!*shot) return;
  job_bytes_ = compare && !first_image ? 0 : (*shot)->pages.size() * owner_->page_size().value;
  UploadJob job{
      .kind = compare && !first_image ? UploadJob::Kind::Compare : UploadJob::Kind::Changes,
      .snapshot = std::move(snapshot_),
      .page_size = owner_->page_size(),
      .pages = std::move((*shot)->pages),
      .commit = (*shot)->commit,
      .covers = (*shot)->covers};
  job_out_ = exchange_.job.offer(std::move(job));
  WW_CHECK(job_out_);
  exchange_.upload_wakeup.notify();
}

Bytes CaptureLoop::lag() const {
  const Bytes page = options_.page_size.value;
  return job_bytes_ + (capture_ ? capture_->pending().size() * page : 0);
}

void CaptureLoop::publish() {
  exchange_.status.set({.txid = txid_,
                        .lag_bytes = lag(),
                        .last_put = last_put_,
                        .attached = owner_ != nullptr,
                        .trouble = trouble()});
}

// What came back with a job, or what keeps the one that is out.
std::string CaptureLoop::trouble() const {
  return trouble_.empty() ? exchange_.outage.get() : trouble_;
}

bool CaptureLoop::is_all_stored() {
  if (!owner_) {
    const auto status = os::status_of(options_.database);
    const bool absent = !status && status.error().code == Code::NotFound;
    return absent || (status && status->size == 0);
  }
  const auto index = owner_->read_index();
  if (!index || job_out_ || capture_->needs_compare() || capture_->has_pending()) return false;
  const auto drained = capture_->drain(*index);
  return drained && !*drained;
}

bool CaptureLoop::finish(MonoTime deadline) {
  if (halted_) {
    report(FlushOutcome::Failed, trouble_);
    return true;
  }
  if (is_all_stored()) {
    if (owner_) truncate_log(deadline);
    if (is_all_stored()) {
      report(FlushOutcome::Ok, "");
      return true;
    }
  }
  if (clock_.mono() < deadline) return false;
  const bool never_attached = !owner_;
  const std::string why = trouble();
  report(why.empty() && !never_attached ? FlushOutcome::Partial : FlushOutcome::Failed,
         never_attached ? "the database could not be opened"
         : why.empty()  ? "the time was too short"
                        : why);
  return true;
}

void CaptureLoop::truncate_log(MonoTime deadline) {
  if (checkpointed_ || clock_.mono() + kTruncateMargin > deadline) return;
  const auto truncated = owner_->truncate();
  if (!truncated) {
    log_.warn("final checkpoint failed", {{"cause", truncated.error().text}});
    return;
  }
  checkpointed_ = *truncated;
  if (checkpointed_) owner_->remove_wal_on_close();
}

void CaptureLoop::report(FlushOutcome outcome, std::string missing) {
  exchange_.report.offer({.outcome = outcome,
                          .txid = txid_,
                          .lag_bytes = lag(),
                          .checkpointed = checkpointed_,
                          .missing = std::move(missing)});
  // The snapshot's connection first; the uploader has none now, or will end its own.
  if (snapshot_ || !owner_) {
    snapshot_.reset();
    capture_.reset();
    owner_.reset();
  }
  exchange_.main_wakeup.notify();
}

void CaptureLoop::on_directory_change(const std::vector<std::string>& names) {
  const std::string ours = options_.database.filename().string();
  const bool about_us = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.starts_with(ours) && !name.starts_with(ours + ".walwrap-");
  });
  if (!about_us) return;
  next_attach_ = clock_.mono();
  next_moved_check_ = clock_.mono();
}

void CaptureLoop::wait() {
  const MonoTime now = clock_.mono();
  const nanoseconds since_event = now - last_event_;
  const bool lately = owner_ && since_event < kLately;
  const bool on_ladder = lately && looks_ < kLadder;
  const bool has_work = owner_ && capture_->has_pending();
  nanoseconds pause = watch_works_ ? kIdleLook : kIdleLookBlind;
  if (lately) pause = kBusyLook;
  if (on_ladder) pause = kFirstLook * (1 << std::max(0, looks_));
  if (has_work) pause = std::min<nanoseconds>(pause, kBusyLook);
  if (is_finishing()) pause = kFinishLook;
  MonoTime until = now + pause;
  if (owner_) until = std::min({until, checkpointer_.next_look(), std::max(now, next_job_)});
  if (!owner_ && !halted_) until = std::min(until, std::max(now, next_attach_));
  // While we know that there is something to do, further writes are no reason to wake up.
  const bool ignore_writes = on_ladder || has_work || is_finishing();
  auto& poller = ignore_writes ? *without_ : *with_watch_;
  const auto ready = poller.wait(until);
  exchange_.capture_wakeup.drain();
  if (!ready || ignore_writes || !watch_) return;
  const auto seen = watch_->take();
  if (seen.written || seen.overflowed) {
    last_event_ = clock_.mono();
    looks_ = 0;
  }
  on_directory_change(seen.names);
}

}  // namespace walwrap::replication
