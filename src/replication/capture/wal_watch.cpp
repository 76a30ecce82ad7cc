#include "walwrap/replication/capture/wal_watch.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t kWakeup = 0, kWatch = 1;  // tokens of the pollers

constexpr microseconds kFirstLook{200};
constexpr int kLadder = 6;             // 0.2, 0.4, ... 6.4 ms
constexpr milliseconds kBusyLook{10};  // after recent writes
constexpr milliseconds kLately{250};
constexpr milliseconds kSteady{200};  // without a pause
constexpr milliseconds kPause{50};
constexpr milliseconds kIdleLook{2000};      // with inotify: only in case it misses an event
constexpr milliseconds kIdleLookBlind{250};  // without inotify
constexpr milliseconds kFinishLook{1};

}  // namespace

WalWatch::WalWatch(os::Path database, const os::Clock& clock)
    : database_(std::move(database)), clock_(clock) {}

void WalWatch::start(const std::vector<int>& wakeups) {
  auto with_watch = os::Poller::create();
  auto without = os::Poller::create();
  WW_CHECK(with_watch.has_value() && without.has_value());
  with_watch_ = *std::move(with_watch);
  without_ = *std::move(without);
  for (const int wakeup : wakeups) {
    for (auto* poller : {&*with_watch_, &*without_}) {
      WW_CHECK(poller->add(wakeup, kWakeup).has_value());
    }
  }
  auto watch = os::Watch::create();
  if (!watch || !with_watch_->add(watch->descriptor(), kWatch)) return;
  watch_ = *std::move(watch);
  works_ = watch_->watch_directory(database_.parent_path()).has_value() &&
           os::Watch::self_test(StateDir::path_for(database_));
}

void WalWatch::watch_wal() {
  if (works_ && !watch_->watch_writes(database_.string() + "-wal").has_value()) works_ = false;
  is_watching_ = true;
  on_commit(clock_.mono());
}

void WalWatch::on_commit(MonoTime now) {
  last_event_ = now;
  looks_ = kLadder;
}

void WalWatch::choose(MonoTime now, MonoTime last_commit) {
  if (now - last_commit > kPause) {
    steady_since_ = now;
    is_writer_pausing_ = true;
    if (works_ && !is_watching_) watch_wal();
  } else if (now - steady_since_ > kSteady) {
    is_writer_pausing_ = false;
    if (works_ && is_watching_) {
      watch_->stop_watching_writes();
      is_watching_ = false;
    }
  }
}

nanoseconds WalWatch::idle_pause() const {
  return works_ ? kIdleLook : kIdleLookBlind;
}

bool WalWatch::is_lately(const Situation& situation, MonoTime now) const {
  return situation.attached && now - last_event_ < kLately;
}

MonoTime WalWatch::next_look(const Situation& situation, MonoTime now) const {
  nanoseconds pause = idle_pause();
  if (is_lately(situation, now)) pause = kBusyLook;
  if (is_lately(situation, now) && looks_ < kLadder)
    pause = kFirstLook * (1 << std::max(0, looks_));
  if (situation.has_pending) pause = std::min<nanoseconds>(pause, kBusyLook);
  if (situation.is_finishing) pause = kFinishLook;
  return now + pause;
}

// While there is known work, further writes are no reason to wake up.
bool WalWatch::ignores_writes(const Situation& situation, MonoTime now) const {
  const bool on_ladder = is_lately(situation, now) && looks_ < kLadder;
  return on_ladder || situation.has_pending || situation.is_finishing;
}

bool WalWatch::wait(const Situation& situation, MonoTime until) {
  const MonoTime now = clock_.mono();
  const bool ignore_writes = ignores_writes(situation, now);
  auto& poller = ignore_writes ? *without_ : *with_watch_;
  const nanoseconds left = owes_event_ && !ignore_writes ? nanoseconds(0) : until - now;
  // The poller's timer follows the machine's clock, and `until` follows the given clock.
  const auto ready = poller.wait(os::SystemClock().mono() + left);
  if (!ready || !watch_) return false;
  const auto seen = watch_->take();
  owes_event_ = owes_event_ || seen.written || seen.overflowed;
  if (owes_event_ && !ignore_writes) {
    owes_event_ = false;
    last_event_ = clock_.mono();
    looks_ = 0;
  }
  return seen.overflowed || is_about_us(seen.names);
}

bool WalWatch::is_about_us(const std::vector<std::string>& names) const {
  const std::string ours = database_.filename().string();
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.starts_with(ours) && !name.starts_with(ours + ".walwrap-");
  });
}

}  // namespace walwrap::replication
