#include "walwrap/replication/upload_loop.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/replica/ownership.hpp"
#include "walwrap/replication/retry_policy.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHurriedRetry{500};
// An answer of the store that leaves a batch unstored, for example missing rights, is retried this
// often.
constexpr Backoff::Limits kAgain{.first = milliseconds(50), .ceiling = milliseconds(5'000)};

}  // namespace

UploadLoop::UploadLoop(Uploader& uploader, os::Path database, Mailboxes& mailboxes,
                       const os::Clock& clock, const Log& log)
    : uploader_(uploader),
      database_(std::move(database)),
      mailboxes_(mailboxes),
      clock_(clock),
      log_(log),
      again_(kAgain) {}

void UploadLoop::run() {
  os::lower_thread_priority();
  begin();
  while (true) {
    const Turn taken = turn();
    if (taken == Turn::Over) return;
    if (taken == Turn::Again) continue;
    mailboxes_.upload_wakeup.wait_for(std::chrono::ceil<milliseconds>(next_turn() - clock_.mono()));
  }
}

void UploadLoop::begin() {
  probe_fencing();
  note_replica();
}

UploadLoop::Turn UploadLoop::turn() {
  if (auto job = mailboxes_.job.take()) {
    upload(*std::move(job));
    return Turn::Again;
  }
  const Orders orders = mailboxes_.orders.get();
  if (orders.prove && !std::exchange(proved_, true)) prove();
  if (orders.quit) return Turn::Over;
  uploader_.save_if_due(clock_.mono());
  if (!orders.hurry) inspect_replica();
  if (orders.hurry && !std::exchange(looked_at_end_, true)) look_at_end();
  return Turn::Waits;
}

MonoTime UploadLoop::next_turn() const {
  const bool is_hurried = mailboxes_.orders.get().hurry;
  return is_hurried ? uploader_.save_due() : std::min(uploader_.save_due(), uploader_.look_due());
}

void UploadLoop::upload(UploadJob job) {
  auto done = uploader_.run(job);
  uploader_.save_if_due(clock_.mono());
  // Before the answer: a waiting client accepts a position only from a proven replica.
  note_replica();
  if (done.error.empty()) {
    again_.reset();
    failed_.on_success();
    probe_fencing();
  } else if (!done.stop) {
    wait_after(done);
  }
  const bool is_taken = mailboxes_.done.offer(std::move(done));
  // The capture takes an answer before it offers the next job.
  WW_CHECK(is_taken);
  mailboxes_.capture_wakeup.notify();
  // After the answer: the clients that wait for this upload do not wait for a compaction.
  mailboxes_.compacting.set(true);
  uploader_.compact(std::move(job));
  mailboxes_.compacting.set(false);
}

// A stop ends the check, as it ends a compaction. The last check comes with the flush.
void UploadLoop::inspect_replica() {
  std::optional<LookAt> wanted;
  mailboxes_.replica_look.update([&](auto& asked) { wanted = std::exchange(asked, std::nullopt); });
  if (wanted) uploader_.look_soon(*wanted);
  if (clock_.mono() < uploader_.look_due()) return;
  mailboxes_.compacting.set(true);
  uploader_.look_if_due(clock_.mono());
  mailboxes_.compacting.set(false);
  note_replica();
  mailboxes_.capture_wakeup.notify();
}

// If a snapshot can repair the chain, it is made before the verdict, while the database is still
// attached. For a bucket this would cost a listing at each stop, so the next start repairs the
// chain there.
void UploadLoop::look_at_end() {
  if (uploader_.holds_directory()) {
    uploader_.look_now(LookAt::Chain);
    note_replica();
  }
  mailboxes_.looked_at_end.set(true);
  mailboxes_.capture_wakeup.notify();
}

void UploadLoop::note_replica() {
  if (uploader_.take_moved()) mailboxes_.moved_back.set(true);
  const ReplicaReport& report = uploader_.replica();
  mailboxes_.replica.set(report);
  const std::string db = database_.string();
  if (report.lost.empty()) {
    if (lost_.on_success() == FailureEpisode::Say::Ended) {
      log_.info("replica is the right one again", {{"db", db}});
    }
  } else {
    const auto say = lost_.on_failure(clock_.mono());
    if (say == FailureEpisode::Say::Started || say == FailureEpisode::Say::Continues) {
      log_.error("replica was lost or replaced, nothing is stored",
                 {{"db", db}, {"cause", report.lost}, {"hint", report.hint}});
    }
  }
  const std::string said = std::exchange(broken_, report.broken);
  if (said != broken_ && !broken_.empty()) {
    log_.warn("files are missing in the replica, storing a snapshot",
              {{"db", db}, {"cause", broken_}});
  }
  if (!report.wants_snapshot) return;
  uploader_.on_snapshot_asked();
  mailboxes_.sync_requests->ask_snapshot();
}

void UploadLoop::prove() {
  const auto proven = uploader_.verify();
  mailboxes_.proof.offer({.missing = proven ? "" : proven.error().text});
  mailboxes_.main_wakeup.notify();
}

// One attempt, because a waiting job holds its snapshot. The next attempt comes with the next
// upload.
void UploadLoop::probe_fencing() {
  if (uploader_.store() == nullptr || mailboxes_.fencing.get() != Fencing::NotKnown) return;
  const auto found = replication::probe_fencing(*uploader_.store());
  if (!found) return;
  mailboxes_.fencing.set(*found);
  if (*found != Fencing::Off) return;
  log_.warn("store does not support create-only writes; a second writer would not be detected",
            {{"db", database_.string()},
             {"store", uploader_.store()->describe()},
             {"fencing", format_fencing(*found)}});
}

// A failed batch is offered again as soon as it was returned.
void UploadLoop::wait_after(const UploadDone& done) {
  mailboxes_.tell_outage(done.error);
  switch (failed_.on_failure(clock_.mono())) {
    case FailureEpisode::Say::Started:
      log_.warn("upload failed, will be tried again", {{"cause", done.error}});
      break;
    case FailureEpisode::Say::Continues:
      log_.warn("upload still fails", {{"cause", done.error}, {"failures", failed_.failures()}});
      break;
    default:
      break;
  }
  wait(again_.next_delay(os::random_u64()));
  mailboxes_.tell_outage("");
}

// Waits less during a stop, and not at all when no time is left.
void UploadLoop::wait(milliseconds delay) {
  const MonoTime until_then = clock_.mono() + delay;
  while (true) {
    const auto budget = budget_of(std::nullopt, false, mailboxes_.orders.get());
    const MonoTime now = clock_.mono();
    MonoTime wake = until_then;
    if (budget.hurry) wake = std::min(wake, now + kHurriedRetry);
    if (budget.deadline) wake = std::min(wake, *budget.deadline);
    if (!budget.go_on || now >= wake) return;
    if (!mailboxes_.upload_wakeup.wait_for(std::chrono::ceil<milliseconds>(wake - now))) return;
  }
}

}  // namespace walwrap::replication
