#include "walwrap/control/waits.hpp"

namespace walwrap::control {

using replication::CommitPosition;
using replication::Progress;

void WaitList::add(const Wait& wait) {
  auto& added = waits_.insert_or_assign(wait.id, wait).first->second;
  by_deadline_.emplace(wait.deadline, wait.id);
  if (wait.what == Wait::For::Snapshot) {
    by_snapshot_.emplace(wait.ticket, wait.id);
    return;
  }
  if (!wait.position) {
    by_ticket_.emplace(wait.ticket, wait.id);
    return;
  }
  if (by_commit_.empty()) attachment_ = wait.position->attachment;
  if (attachment_ == wait.position->attachment) return aim(added, *wait.position);
  // Counted in another way: any check from now on covers it.
  added.position.reset();
  by_ticket_.emplace(wait.ticket, wait.id);
}

void WaitList::aim(Wait& wait, const CommitPosition& at) {
  wait.position = at;
  wait.file = at.file;
  by_commit_.emplace(at.commits, wait.id);
}

void WaitList::remove(std::uint64_t id) {
  const auto found = waits_.find(id);
  if (found == waits_.end()) return;
  const Wait& wait = found->second;
  by_deadline_.erase({wait.deadline, id});
  by_ticket_.erase({wait.ticket, id});
  by_snapshot_.erase({wait.ticket, id});
  if (wait.position) by_commit_.erase({wait.position->commits, id});
  waits_.erase(found);
}

Ended WaitList::end(std::uint64_t id, Ended::How how) {
  const Ended ended{.id = id, .how = how, .position = waits_.at(id).position};
  remove(id);
  return ended;
}

void WaitList::end_all(Ended::How how, std::vector<Ended>& out) {
  while (!waits_.empty()) out.push_back(end(waits_.begin()->first, how));
}

std::vector<Ended> WaitList::on_progress(const Progress& progress) {
  std::vector<Ended> out;
  if (!progress.halted.empty()) {
    end_all(Ended::How::Halted, out);
    return out;
  }
  while (!by_snapshot_.empty() && by_snapshot_.begin()->first <= progress.snapshot.ticket) {
    out.push_back(end(by_snapshot_.begin()->second, Ended::How::SnapshotDone));
  }
  if (!progress.attached || progress.looked == 0) return out;
  move_to_new_attachment(progress, out);
  find(progress, out);
  while (progress.is_proven && !by_commit_.empty() &&
         by_commit_.begin()->first <= progress.stored) {
    out.push_back(end(by_commit_.begin()->second, Ended::How::Stored));
  }
  return out;
}

// The commits of an earlier attachment to the same file are part of this one's first commit, which
// stands for everything that the file had.
void WaitList::move_to_new_attachment(const Progress& progress, std::vector<Ended>& out) {
  if (attachment_ == progress.committed.attachment) return;
  attachment_ = progress.committed.attachment;
  const Order earlier = std::exchange(by_commit_, {});
  for (const auto& [commits, id] : earlier) {
    Wait& wait = waits_.at(id);
    if (wait.file == progress.committed.file) {
      aim(wait, progress.committed);
      continue;
    }
    wait.position.reset();
    out.push_back(end(id, Ended::How::Replaced));
  }
}

void WaitList::find(const Progress& progress, std::vector<Ended>& out) {
  while (!by_ticket_.empty() && by_ticket_.begin()->first <= progress.looked) {
    const auto id = by_ticket_.begin()->second;
    by_ticket_.erase(by_ticket_.begin());
    Wait& wait = waits_.at(id);
    if (wait.file.value != 0 && wait.file != progress.committed.file) {
      out.push_back(end(id, Ended::How::Replaced));
      continue;
    }
    aim(wait, progress.committed);
    if (wait.what == Wait::For::Found) out.push_back(end(id, Ended::How::Found));
  }
}

std::vector<Ended> WaitList::on_time(MonoTime now) {
  std::vector<Ended> out;
  while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
    out.push_back(end(by_deadline_.begin()->second, Ended::How::TimedOut));
  }
  return out;
}

std::optional<MonoTime> WaitList::next_deadline() const {
  if (by_deadline_.empty()) return std::nullopt;
  return by_deadline_.begin()->first;
}

}  // namespace walwrap::control
