#include "walwrap/replication/replicator.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/base/progress.hpp"
#include "walwrap/replication/attachment.hpp"
#include "walwrap/replication/replica/ownership.hpp"
#include "walwrap/replication/retry_policy.hpp"
#include "walwrap/replication/startup/reconnect.hpp"
#include "walwrap/replication/upload/store_profile.hpp"
#include "walwrap/storage/stores/prices.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAttachPause{100};
// Time to end the threads and save the state after the deadline of a flush.
constexpr milliseconds kReportGrace{250};
// Between two tries during an outage. Pending commits are stored within five seconds of its end.
constexpr milliseconds kLongestPause{1'500};
constexpr milliseconds kLongestListing{30'000};

milliseconds until(MonoTime time, MonoTime now) {
  return std::chrono::ceil<milliseconds>(std::max(time - now, std::chrono::nanoseconds(0)));
}

struct AttachedFirst {
  std::unique_ptr<sqlite::CheckpointOwner> owner;  // null: there is no database yet
  bool has_waited = false;                         // another process had the database open
};

// Attaches before the app starts, if there is a database.
Result<AttachedFirst> attach_first(const ReplicatorOptions& options, MonoTime give_up,
                                   const os::Clock& clock, const Log& log,
                                   const std::function<bool()>& cancelled) {
  bool said = false;
  while (true) {
    auto owner = attach_existing(options.database, clock);
    if (owner) return AttachedFirst{*std::move(owner), said};
    const Error& error = owner.error();
    if (error.code == Code::NotFound) return AttachedFirst{nullptr, said};
    if (error.code != Code::Busy || clock.mono() >= give_up) {
      return fail(
          error.code,
          "attach to database {}: {}; stop the other program that has it open, then start again",
          options.database.string(), error.text);
    }
    if (!std::exchange(said, true)) {
      log.warn("database is locked, waiting",
               {{"db", options.database.string()}, {"cause", error.text}});
    }
    if (cancelled()) return fail(Code::Cancelled, "stopped during the start");
    os::pause_for(kAttachPause);
  }
}

// For a WAL and a file that are not proven to belong together: SQLite would mix them without an
// error. Returns the damage in the content. "": none.
Result<std::string> find_mixture(sqlite::CheckpointOwner& owner,
                                 const std::function<bool()>& cancelled) {
  auto damage = find_damage_in(owner, cancelled);
  // The files stay as they are for the person who repairs them.
  if (!damage || !damage->empty()) owner.abandon();
  return damage;
}

}  // namespace

Result<std::unique_ptr<Replicator>> Replicator::prepare(const ReplicatorOptions& options,
                                                        const os::Clock& clock, const Log& log,
                                                        const std::function<bool()>& cancelled) {
  std::unique_ptr<Replicator> replicator(new Replicator(options, clock, log));
  TRY(replicator->boot_and_attach(cancelled));
  return replicator;
}

Replicator::~Replicator() {
  quit();
}

BootRequest Replicator::boot_request(Stopped cancelled) {
  return {.database = options_.database,
          .replica = options_.location.url,
          .style = key_style_of(options_.location.kind),
          .open_store = [this](const Stopped& stopped) { return open_store(stopped); },
          .wait_for_store = [this](const StartWait& wait) { start_wait_.set(wait); },
          .policy = options_.policy,
          .integrity = options_.integrity,
          .start_timeout = options_.start_timeout,
          .ask_owner = options_.app_running ? AskOwner() : options_.ask_owner,
          .handover_timeout = options_.handover_timeout,
          .app_running = options_.app_running,
          .damage = damage_,
          .owner = options_.owner,
          .cancelled = std::move(cancelled)};
}

Result<std::unique_ptr<storage::ObjectStore>> Replicator::open_store(const Stopped& stopped) {
  const auto budget = [this, stopped] {
    const auto start = start_wait_.get();
    const auto orders = mailboxes_->orders.get();
    if (mailboxes_->compacting.get()) return budget_of_compaction(orders);
    // After the start, nothing may use the start's objects.
    return budget_of(start, start && stopped(), orders);
  };
  return open_with({.clock = clock_,
                    .log = log_,
                    .budget = budget,
                    .on_outage = [this](auto reason) { mailboxes_->tell_outage(reason); },
                    .access = storage::Access::Create});
}

// For a client that waits for the answer. It never delays a stop.
Result<std::unique_ptr<storage::ObjectStore>> Replicator::open_to_list(const Stopped& stopped) {
  const MonoTime deadline = clock_.mono() + kLongestListing;
  return open_with({.clock = clock_, .log = log_, .budget = [this, stopped, deadline] {
                      const auto orders = mailboxes_->orders.get();
                      return storage::CallBudget{
                          .go_on = !stopped() && !orders.hurry && !orders.quit,
                          .deadline = deadline};
                    }});
}

Result<std::unique_ptr<storage::ObjectStore>> Replicator::open_with(
    storage::Surroundings surroundings) {
  surroundings.backoff = {.first = milliseconds(100), .ceiling = kLongestPause};
  surroundings.counts = &counts_;
  auto store = TRY(options_.open_store(options_.location, surroundings));
  return storage::with_retries(std::move(store), surroundings);
}

Result<void> Replicator::boot_and_attach(const std::function<bool()>& cancelled) {
  mailboxes_ = TRY(Mailboxes::create());
  points_.emplace(PointsLister::Options{
                      .open_store = [this](const auto& stopped) { return open_to_list(stopped); },
                      .style = key_style_of(options_.location.kind),
                      .finished = &mailboxes_->sync_requests->progressed(),
                      .on_broken = [this] { mailboxes_->ask_replica_look(LookAt::Chain); }},
                  clock_);
  const MonoTime give_up = clock_.mono() + options_.start_timeout;
  while (true) {
    auto booted = boot(boot_request(cancelled), clock_, log_);
    start_wait_.set(std::nullopt);
    mailboxes_->outage.set("");
    if (!booted && options_.app_running && booted.error().code != Code::Cancelled) {
      give_up_replication(booted.error().text);
      return {};
    }
    Booted parts = TRY(std::move(booted));
    if (options_.app_running) {
      make_parts(std::move(parts), nullptr);
      return {};
    }
    auto attached = TRY(attach_first(options_, give_up, clock_, log_, cancelled));
    // The other holder of the database may have changed everything that the decision was based on.
    if (attached.has_waited) continue;
    if (parts.is_content_open && attached.owner) {
      damage_ = TRY(find_mixture(*attached.owner, cancelled));
      if (!damage_.empty()) continue;
    }
    make_parts(std::move(parts), std::move(attached.owner));
    return {};
  }
}

// A failure of replication never stops the app.
void Replicator::give_up_replication(const std::string& cause) {
  broken_ = cause;
  log_.error("replication stopped, the app goes on", {{"cause", broken_}});
  mailboxes_->status.set({.txid = {}, .error = broken_});
  Progress halted;
  halted.halted = broken_;
  mailboxes_->sync_requests->publish(halted);
}

void Replicator::make_parts(Booted booted, std::unique_ptr<sqlite::CheckpointOwner> owner) {
  const SavedState state = booted.state;
  const bool has_gap = booted.has_gap;
  restored_in_ = booted.restored_in;
  lock_ = std::move(booted.lock);
  writer_ = state.writer;
  CheckpointLimits limits;
  limits.hard_limit = options_.wal_limit;
  limits.blocking_checkpoints = options_.blocking_checkpoints;
  capture_.emplace(
      CaptureLoop::Options{.database = options_.database,
                           .name = options_.database.filename().string(),
                           .directory = booted.directory,
                           .run = options_.run,
                           .pace = upload_pace(options_.location.kind, options_.interval),
                           .pace_of_waits = pace_of_waits(options_.location.kind),
                           .checkpoint = limits,
                           .stored_wal = state.wal,
                           .txid = state.txid,
                           .stored_pages = state.pages,
                           .page_size = state.page_size,
                           .attached = std::move(owner)},
      *mailboxes_, clock_, log_);
  uploader_.emplace(Uploader::Dependencies{
                        .store = std::move(booted.store),
                        .connect =
                            [request = boot_request([] { return false; }),
                             found = std::move(booted.found)](SavedState& known, PageSums& sums) {
                              return reconnect(request, found, known, sums);
                            },
                        .style = key_style_of(options_.location.kind),
                        .directory = std::move(booted.directory),
                        .sums = std::move(booted.sums),
                        .state = state,
                        .is_hurried = [this] { return mailboxes_->orders.get().hurry; },
                        .copies_in = StateDir::path_for(options_.database),
                        .on_streamed = [this](Bytes bytes) { mailboxes_->streamed.set(bytes); }},
                    clock_, log_);
  if (has_gap) uploader_->look_soon(LookAt::Chain);
  uploads_.emplace(*uploader_, options_.database, *mailboxes_, clock_, log_);
}

void Replicator::on_panic(std::string_view what) {
  log_.error("a bug has stopped replication, the app goes on", {{"what", what}});
  panicked_.set(true);
  mailboxes_->status.update([&](ReplicatorStatus& status) { status.error = what; });
  mailboxes_->main_wakeup.notify();
}

Result<void> Replicator::start() {
  if (!broken_.empty()) return {};
  // Before the app runs, and before its start script, which may delete files that look like
  // leftovers.
  capture_->prepare();
  const auto panic = [this](std::string_view what) { on_panic(what); };
  upload_thread_ = os::Thread(
      "upload", [this] { uploads_->run(); }, panic);
  capture_thread_ = os::Thread(
      "capture", [this] { capture_->run(); }, panic);
  return {};
}

std::optional<Replicator::Loops> Replicator::start_without_threads() {
  if (!broken_.empty()) return std::nullopt;
  capture_->prepare();
  uploads_->begin();
  return Loops{*capture_, *uploads_};
}

ReplicatorStatus Replicator::status() const {
  auto status = mailboxes_->status.get();
  status.fencing = mailboxes_->fencing.get();
  status.writer = writer_;
  status.restored_in = restored_in_;
  const auto replica = mailboxes_->replica.get();
  status.replica_lost = replica.lost.empty() ? replica.broken : replica.lost;
  status.store = counts_.get();
  const auto& target = options_.location.s3;
  if (options_.location.kind != storage::StoreKind::S3 || target.dialect == nullptr) return status;
  const auto* prices = storage::prices_of(target.dialect->name, target.region);
  if (prices != nullptr) status.request_dollars = price_of_requests(*prices, status.store);
  return status;
}

void Replicator::hurry() {
  mailboxes_->orders.update([](Orders& orders) { orders.hurry = true; });
  mailboxes_->capture_wakeup.notify();
  mailboxes_->upload_wakeup.notify();
}

void Replicator::begin_flush(MonoTime deadline) {
  if (!broken_.empty()) return;
  mailboxes_->orders.update([&](Orders& orders) {
    orders.hurry = true;
    orders.flush = deadline;
  });
  mailboxes_->capture_wakeup.notify();
  mailboxes_->upload_wakeup.notify();
}

FlushReport Replicator::flush(MonoTime deadline) {
  if (!broken_.empty()) return {.outcome = FlushOutcome::Failed, .missing = broken_};
  begin_flush(deadline);
  std::optional<FlushReport> report;
  const Bytes total = status().lag_bytes;
  LoggedProgress shown(log_, "flushing", clock_.mono());
  while (!(report = mailboxes_->report.take())) {
    const MonoTime now = clock_.mono();
    if (panicked_.get() || now >= deadline + kReportGrace) break;
    const Bytes lag = status().lag_bytes;
    const Bytes left = lag - std::min(lag, mailboxes_->streamed.get());
    if (shown.is_line_due(total - std::min(total, left), total, now)) {
      log_.info("flushing", {{"db", options_.database.filename().string()},
                             {"lag_bytes", lag},
                             {"left_ms", until(deadline, now).count()}});
    }
    mailboxes_->main_wakeup.wait_for(std::min(until(deadline + kReportGrace, now), shown.pause()));
  }
  if (report && report->outcome == FlushOutcome::Ok) prove(*report, deadline);
  quit();
  if (!report) {
    const auto last = status();
    return {.outcome = FlushOutcome::Failed,
            .txid = last.txid,
            .lag_bytes = last.lag_bytes,
            .missing = last.error.empty() ? "the time was too short" : last.error,
            .fencing = last.fencing};
  }
  report->fencing = mailboxes_->fencing.get();
  // A replica that was reached only by the last look may be newer, and hold the same.
  if (report->outcome == FlushOutcome::Ok) report->txid = uploader_->state().txid;
  // Clean: the database file alone holds what is stored. Frames in a WAL could still be lost.
  const bool is_clean = report->outcome == FlushOutcome::Ok && report->checkpointed;
  const auto saved = uploader_->save(is_clean);
  if (!saved) log_.warn("state not saved", {{"cause", saved.error().text}});
  return *report;
}

// A last check in the store: the verdict rests on a test, not on memory.
void Replicator::prove(FlushReport& report, MonoTime deadline) {
  mailboxes_->orders.update([](Orders& orders) { orders.prove = true; });
  mailboxes_->upload_wakeup.notify();
  std::optional<ReplicaProof> proof;
  while (!(proof = mailboxes_->proof.take())) {
    const MonoTime now = clock_.mono();
    if (panicked_.get() || now >= deadline + kReportGrace) break;
    mailboxes_->main_wakeup.wait_for(until(deadline + kReportGrace, now));
  }
  report.missing = proof ? proof->missing : "the time was too short to check the replica";
  if (!report.missing.empty()) report.outcome = FlushOutcome::Failed;
}

void Replicator::quit() {
  if (!mailboxes_) return;
  mailboxes_->orders.update([](Orders& orders) { orders.quit = true; });
  mailboxes_->capture_wakeup.notify();
  mailboxes_->upload_wakeup.notify();
  upload_thread_.join();
  capture_thread_.join();
}

}  // namespace walwrap::replication
