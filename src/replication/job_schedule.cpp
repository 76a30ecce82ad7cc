#include "walwrap/replication/job_schedule.hpp"

#include <utility>

#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

constexpr std::chrono::milliseconds kNoMomentNow{1};

}  // namespace

void JobSchedule::check_invariants() const {
  WW_CHECK(snapshot_taken_ <= snapshot_asked_);
  // While a job is out, only its answer makes another one due.
  WW_CHECK(!out_ || next_ == MonoTime::max());
  WW_CHECK(!out_ || out_->snapshot <= snapshot_taken_);
}

std::optional<JobSchedule::Choice> JobSchedule::choose(const Situation& situation, MonoTime now) {
  next_ = MonoTime::max();
  const bool compare = situation.needs_compare;
  const bool snapshot = !compare && is_snapshot_asked() && situation.may_snapshot;
  const bool is_wanted = compare || snapshot || situation.has_pending;
  // The answer, or the returned snapshot, wakes the loop, which then asks again.
  if (!is_wanted || out_ || !situation.can_lend) return std::nullopt;
  // Until a comparison is done no client can get an answer, so a comparison has no pace.
  const bool is_urgent = compare || snapshot || situation.is_urgent;
  next_ = is_urgent ? now : pace_.next_allowed(now, situation.is_awaited);
  if (next_ > now) return std::nullopt;
  const bool all_pages = compare || snapshot;
  if (snapshot) return Choice{job::Snapshot{}, all_pages};
  if (compare && situation.txid.value > 0) return Choice{job::Compare{}, all_pages};
  // If nothing is stored yet, there is nothing to compare with: all pages are uploaded. Only a
  // compaction needs more frames than those of its pages, and a job with all pages has all frames.
  const bool may_compact = wants_all_frames_ && situation.may_compact;
  return Choice{job::Changes{.knows_all_frames = compare || may_compact}, all_pages};
}

void JobSchedule::on_busy(MonoTime now) {
  next_ = now + kNoMomentNow;
}

void JobSchedule::on_offered(JobInFlight job, bool is_snapshot, bool is_awaited, bool is_urgent) {
  WW_CHECK(!out_);
  next_ = MonoTime::max();
  job.is_paced = !is_urgent && !pace_.is_for(is_awaited);
  if (is_snapshot) job.snapshot = snapshot_taken_ = snapshot_asked_;
  out_ = job;
}

JobInFlight JobSchedule::on_answer(const UploadDone& done, Writer writer) {
  WW_CHECK(out_.has_value());
  const JobInFlight job = *std::exchange(out_, std::nullopt);
  wants_all_frames_ = done.wants_all_frames;
  // The pace follows the duration of ordinary uploads. A snapshot says nothing about the store's
  // speed.
  if (done.is_stored() && std::holds_alternative<answer::Changes>(done.answer)) {
    pace_.on_upload(done.started, done.took, writer, job.is_paced);
  }
  return job;
}

}  // namespace walwrap::replication
