#include "walwrap/replication/capture/mode_pause.hpp"

#include <algorithm>
#include <array>

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

struct Stage {
  nanoseconds until;  // of the wait
  nanoseconds pause;
  nanoseconds look;
};
constexpr std::array<Stage, 4> kStages = {{
    {seconds(10), milliseconds(300), milliseconds(25)},
    {seconds(60), milliseconds(50), milliseconds(5)},
    {seconds(600), milliseconds(5), milliseconds(1)},
    {nanoseconds::max(), nanoseconds(0), milliseconds(1)},
}};
constexpr int kRandomPart = 3;  // of a pause: a third of it at most
// A lock that stays without any write is a long read or exclusive locking mode.
constexpr milliseconds kStill{2'000};
constexpr milliseconds kStillLook{250};
constexpr seconds kFirstRest{10};
constexpr seconds kLongestRest{600};
constexpr int kRestFactor = 4;

const Stage& stage_of(nanoseconds waited) {
  return *std::ranges::find_if(kStages, [&](const Stage& s) { return waited < s.until; });
}

}  // namespace

void ModePause::draw() {
  // xorshift64: it need not be a strong random generator.
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  luck_ = static_cast<std::uint32_t>(random_ >> 32U);
}

nanoseconds ModePause::needed(MonoTime now) const {
  const nanoseconds pause = stage_of(now - *since_).pause;
  return pause + pause / kRandomPart * static_cast<std::int64_t>(luck_ >> 16U) / (1 << 16);
}

bool ModePause::on_look(const Stamp& stamp, Use use, MonoTime now) {
  const bool is_new = !since_;
  if (is_new) {
    since_ = now;
    if (changed_file_ == stamp.file) {
      seconds rest = kFirstRest;
      for (int i = 0; i < undone_ && rest < kLongestRest; ++i) rest *= kRestFactor;
      not_before_ = now + std::min(rest, kLongestRest);
      ++undone_;
    }
    changed_file_.reset();
  }
  const bool is_written = is_new || !(stamp == stamp_);
  stamp_ = stamp;
  if (is_written) unchanged_from_ = now;
  if (is_written || use == Use::InUse) {
    quiet_from_ = now;
    draw();
  }
  if (use == Use::InUse || now < not_before_) return false;
  return now - quiet_from_ >= needed(now);
}

MonoTime ModePause::next_look(MonoTime now) const {
  if (!since_) return now;
  if (now < not_before_) return std::min(not_before_, now + kStillLook);
  if (quiet_from_ > unchanged_from_ && now - unchanged_from_ >= kStill) return now + kStillLook;
  return now + stage_of(now - *since_).look;
}

}  // namespace walwrap::replication
