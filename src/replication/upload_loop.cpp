#include "walwrap/replication/upload_loop.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "walwrap/os/thread.hpp"
#include "walwrap/replication/ownership.hpp"
#include "walwrap/replication/store_patience.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHurriedRetry{500};
// What a store has answered that leaves a batch unstored, rights for one, is asked again this
// often.
constexpr Backoff::Limits kAgain{.first = milliseconds(50), .ceiling = milliseconds(5'000)};

}  // namespace

UploadLoop::UploadLoop(Uploader& uploader, os::Path database, Exchange& exchange,
                       const os::Clock& clock, const Log& log)
    : uploader_(uploader),
      database_(std::move(database)),
      exchange_(exchange),
      clock_(clock),
      log_(log),
      again_(kAgain) {}

void UploadLoop::run() {
  os::give_way_to_others();
  probe_fencing_once();
  while (true) {
    if (auto job = exchange_.job.take()) {
      upload(*std::move(job));
      continue;
    }
    if (exchange_.orders.get().quit) return;
    uploader_.save_if_due(clock_.mono());
    exchange_.upload_wakeup.wait_for(
        std::chrono::ceil<milliseconds>(uploader_.save_due() - clock_.mono()));
  }
}

void UploadLoop::upload(UploadJob job) {
  const auto release = [this](auto snapshot) { give_back(std::move(snapshot)); };
  auto done = uploader_.run(std::move(job), release);
  uploader_.save_if_due(clock_.mono());
  if (done.trouble.empty()) {
    again_.reset();
    failed_.on_success();
    probe_fencing_once();
  } else if (!done.stop) {
    wait_after(done);
  }
  exchange_.done.offer(std::move(done));
  exchange_.capture_wakeup.notify();
  exchange_.merging.set(true);
  uploader_.merge(release);
  exchange_.merging.set(false);
}

void UploadLoop::give_back(std::unique_ptr<sqlite::Snapshot> snapshot) {
  exchange_.snapshot.offer(std::move(snapshot));
  exchange_.capture_wakeup.notify();
}

// One attempt, for a job that waits meanwhile holds its snapshot; the next comes with the next
// upload.
void UploadLoop::probe_fencing_once() {
  if (uploader_.store() == nullptr || exchange_.fencing.get() != Fencing::NotKnown) return;
  const auto found = probe_fencing(*uploader_.store());
  if (!found) return;
  exchange_.fencing.set(*found);
  if (*found != Fencing::Off) return;
  log_.warn("store overwrites what it should only create: a second writer would not be noticed",
            {{"db", database_.string()},
             {"store", uploader_.store()->describe()},
             {"fencing", format_fencing(*found)}});
}

// A batch that has failed is offered anew as soon as it has been given back.
void UploadLoop::wait_after(const UploadDone& done) {
  exchange_.tell_outage(done.trouble);
  switch (failed_.on_failure(clock_.mono())) {
    case FailureEpisode::Say::Started:
      log_.warn("upload failed, will be tried again", {{"cause", done.trouble}});
      break;
    case FailureEpisode::Say::Continues:
      log_.warn("upload still fails", {{"cause", done.trouble}, {"failures", failed_.failures()}});
      break;
    default:
      break;
  }
  wait(again_.next_delay(os::random_u64()));
  exchange_.tell_outage("");
}

// Less when it is told to hurry, nothing when there is no time left.
void UploadLoop::wait(milliseconds delay) {
  const MonoTime until_then = clock_.mono() + delay;
  while (true) {
    const auto patience = patience_of(std::nullopt, false, exchange_.orders.get());
    const MonoTime now = clock_.mono();
    MonoTime wake = until_then;
    if (patience.hurry) wake = std::min(wake, now + kHurriedRetry);
    if (patience.deadline) wake = std::min(wake, *patience.deadline);
    if (!patience.go_on || now >= wake) return;
    if (!exchange_.upload_wakeup.wait_for(std::chrono::ceil<milliseconds>(wake - now))) return;
  }
}

}  // namespace walwrap::replication
