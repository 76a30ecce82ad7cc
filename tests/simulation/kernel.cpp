#include "tests/simulation/kernel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace walwrap::simulation {
namespace {

using std::chrono::nanoseconds;

Kernel* the_kernel = nullptr;

// So long takes each point of a process: no two writes have the same time.
constexpr nanoseconds kPointTakes = std::chrono::microseconds(1);

}  // namespace

Kernel::Kernel(std::uint64_t seed)
    : mono_(std::chrono::hours(1)),
      wall_offset_(std::chrono::milliseconds(1'767'225'600'000)),  // 2026-01-01T00:00:00Z
      random_(seed) {
  WW_CHECK(the_kernel == nullptr);
  the_kernel = this;
}

Kernel::~Kernel() {
  the_kernel = nullptr;
}

Kernel* Kernel::current() {
  return the_kernel;
}

Kernel::As::As(int process) : before_(the_kernel->process_) {
  the_kernel->process_ = process;
}

Kernel::As::~As() {
  the_kernel->process_ = before_;
}

void Kernel::kill(int process) {
  dead_.insert(process);
  lose_locks(process);
}

void Kernel::lose_locks(int process) {
  for (auto& [file, locks] : locks_) {
    std::erase_if(locks, [&](const Lock& lock) { return lock.process == process; });
  }
}

bool Kernel::enter(Point point, Space space) {
  if (process_ == kNobody) return true;
  error_ = EIO;
  if (is_dead(process_)) return false;
  ++points_;
  mono_ += kPointTakes;
  if (on_point) {
    const int caller = process_;
    on_point(point);
    process_ = caller;
  }
  error_ = EIO;
  return !is_dead(process_) && !take_defect(point, space);
}

bool Kernel::is_broken(Defect defect) const {
  const auto found = broken_.find(process_);
  return found != broken_.end() && found->second.calls > 0 && found->second.defect == defect;
}

bool Kernel::take_defect(Point point, Space space) {
  const bool is_of_a_file = point == Point::Read || point == Point::Write || point == Point::Size ||
                            point == Point::Sync || point == Point::Name;
  const bool is_io = is_of_a_file && is_broken(Defect::Io);
  const bool is_full =
      space == Space::More && (full_.contains(process_) || is_broken(Defect::Full));
  if (!is_io && !is_full) return false;
  if (is_io || is_broken(Defect::Full)) --broken_[process_].calls;
  error_ = is_io ? EIO : ENOSPC;
  ++defects_[process_];
  return true;
}

bool Kernel::take_partial() {
  if (!is_broken(Defect::Partial)) return false;
  --broken_[process_].calls;
  return true;
}

void Kernel::set_full(int process, bool is_full) {
  if (is_full) {
    full_.insert(process);
  } else {
    full_.erase(process);
  }
}

int Kernel::defects_of(int process) const {
  const auto found = defects_.find(process);
  return found == defects_.end() ? 0 : found->second;
}

void Kernel::sleep(nanoseconds duration) {
  if (process_ == kNobody || is_dead(process_) || !on_sleep) {
    mono_ += std::max(duration, nanoseconds(0));
    return;
  }
  const int caller = process_;
  on_sleep(duration);
  process_ = caller;
}

std::uint64_t Kernel::random() {
  return random_();
}

Kernel::File Kernel::file_of(int descriptor) {
  struct stat status {};
  ::syscall(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH);
  return {status.st_dev, status.st_ino};
}

// Source: fcntl_locking(2); SQLite counts from the start of the file only.
Kernel::Lock Kernel::range_of(const struct flock& lock) {
  const auto end = lock.l_len == 0 ? std::numeric_limits<std::int64_t>::max()
                                   : std::int64_t{lock.l_start} + lock.l_len;
  return {.type = lock.l_type, .first = lock.l_start, .end = end};
}

const Kernel::Lock* Kernel::find_conflict(const File& file, int process, const Lock& wanted) const {
  const auto found = locks_.find(file);
  if (found == locks_.end()) return nullptr;
  for (const Lock& lock : found->second) {
    const bool overlaps = lock.first < wanted.end && wanted.first < lock.end;
    const bool excludes = lock.type == F_WRLCK || wanted.type == F_WRLCK;
    if (lock.process != process && overlaps && excludes) return &lock;
  }
  return nullptr;
}

int Kernel::set_lock(int descriptor, struct flock& lock) {
  const bool is_release = lock.l_type == F_UNLCK;
  if (!is_release && !enter(Point::Lock)) {
    errno = EIO;
    return -1;
  }
  const File file = file_of(descriptor);
  Lock wanted = range_of(lock);
  wanted.process = process_;
  if (!is_release && find_conflict(file, process_, wanted) != nullptr) {
    errno = EAGAIN;
    return -1;
  }
  std::vector<Lock> kept;
  for (const Lock& held : locks_[file]) {
    if (held.process != process_ || held.end <= wanted.first || wanted.end <= held.first) {
      kept.push_back(held);
      continue;
    }
    Lock part = held;
    if (held.first < wanted.first) {
      part.end = wanted.first;
      kept.push_back(part);
    }
    part = held;
    if (wanted.end < held.end) {
      part.first = wanted.end;
      kept.push_back(part);
    }
  }
  if (!is_release) kept.push_back(wanted);
  if (kept.empty()) {
    locks_.erase(file);
  } else {
    locks_[file] = std::move(kept);
  }
  return 0;
}

int Kernel::get_lock(int descriptor, struct flock& lock) const {
  const auto* conflict = find_conflict(file_of(descriptor), process_, range_of(lock));
  if (conflict == nullptr) {
    lock.l_type = F_UNLCK;
    return 0;
  }
  lock.l_type = conflict->type;
  lock.l_start = conflict->first;
  lock.l_len = conflict->end == std::numeric_limits<std::int64_t>::max()
                   ? 0
                   : conflict->end - conflict->first;
  lock.l_pid = conflict->process;
  return 0;
}

void Kernel::drop_locks(int descriptor) {
  if (process_ == kNobody || locks_.empty()) return;
  const auto found = locks_.find(file_of(descriptor));
  if (found == locks_.end()) return;
  std::erase_if(found->second, [&](const Lock& lock) { return lock.process == process_; });
  if (found->second.empty()) locks_.erase(found);
}

bool Kernel::holds_alone(int process, std::int64_t byte) const {
  for (const auto& [file, locks] : locks_) {
    for (const Lock& lock : locks) {
      const bool is_held = lock.process == process && lock.type == F_WRLCK;
      if (is_held && lock.first <= byte && byte < lock.end) return true;
    }
  }
  return false;
}

std::string Kernel::locks_text() const {
  std::string text;
  int number = 0;
  for (const auto& [file, locks] : locks_) {
    for (const Lock& lock : locks) {
      const bool is_open = lock.end == std::numeric_limits<std::int64_t>::max();
      text += fmt::format("{}: POSIX  ADVISORY  {} {} {:02x}:{:02x}:{} {} {}\n", ++number,
                          lock.type == F_WRLCK ? "WRITE" : "READ", lock.process,
                          gnu_dev_major(file.first), gnu_dev_minor(file.first), file.second,
                          lock.first, is_open ? "EOF" : std::to_string(lock.end - 1));
    }
  }
  return text;
}

}  // namespace walwrap::simulation
