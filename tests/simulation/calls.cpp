// The calls that this program defines itself, so that SQLite's and ours come to the simulated
// kernel. Without a simulated world each one is the real call.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <string>
#include <string_view>

#include "tests/simulation/kernel.hpp"

namespace walwrap::simulation {
namespace {

using testing::DiskRecorder;

using Space = Kernel::Space;

bool enter(Point point, Space space = Space::Same) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr || kernel->enter(point, space)) return true;
  errno = kernel->error();
  return false;
}

// What a file system keeps of a file that exists needs no more space.
Space space_of(int descriptor, off64_t end) {
  const Kernel* kernel = Kernel::current();
  if (kernel == nullptr || !kernel->needs_space()) return Space::Same;
  struct stat status {};
  const auto done = ::syscall(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH);
  return done == 0 && end > status.st_size ? Space::More : Space::Same;
}
Space space_of_name(int directory, const char* path) {
  const Kernel* kernel = Kernel::current();
  if (kernel == nullptr || !kernel->needs_space()) return Space::Same;
  struct stat status {};
  const auto done = ::syscall(SYS_newfstatat, directory, path, &status, 0);
  return done == 0 ? Space::Same : Space::More;
}

// How much of a read or write is done.
size_t part_of(size_t count) {
  Kernel* kernel = Kernel::current();
  return count > 1 && kernel != nullptr && kernel->take_partial() ? count / 2 : count;
}

std::filesystem::path path_of(int descriptor) {
  std::array<char, 4096> target{};
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto length =
      ::syscall(SYS_readlinkat, AT_FDCWD, link.c_str(), target.data(), target.size());
  return length <= 0 ? "" : std::string(target.data(), static_cast<std::size_t>(length));
}

bool is_regular(int descriptor) {
  struct stat status {};
  return ::syscall(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH) == 0 &&
         S_ISREG(status.st_mode);
}

// The kernel's own times are too coarse, and not ours.
long touched(int descriptor, long result) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr || result < 0) return result;
  const auto now = kernel->wall();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const timespec time{.tv_sec = seconds.count(), .tv_nsec = (now - seconds).count()};
  const timespec times[] = {time, time};
  ::syscall(SYS_utimensat, descriptor, nullptr, times, 0);
  return result;
}

int synced(int descriptor, long call) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr) return static_cast<int>(::syscall(call, descriptor));
  if (!enter(Point::Sync)) return -1;
  const Kernel::As nobody(kNobody);
  const std::lock_guard lock(DiskRecorder::mutex());
  const auto path = path_of(descriptor);
  if (auto* recorder = DiskRecorder::of(path)) recorder->on_fsync(path, descriptor);
  return 0;
}

// What /proc/locks would show.
int open_locks() {
  const int descriptor =
      static_cast<int>(::syscall(SYS_memfd_create, "locks", static_cast<unsigned>(MFD_CLOEXEC)));
  const std::string text = Kernel::current()->locks_text();
  ::syscall(SYS_pwrite64, descriptor, text.data(), text.size(), 0);
  return descriptor;
}

int open_at(int directory, const char* path, int flags, mode_t mode) {
  const bool is_simulated = Kernel::current() != nullptr;
  if (is_simulated && std::string_view(path) == "/proc/locks") return open_locks();
  const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  if (changes && !enter(Point::Name, space_of_name(directory, path))) return -1;
  const auto opened = ::syscall(SYS_openat, directory, path, flags, mode);
  return static_cast<int>(opened);
}

int locked(int descriptor, int command, void* argument) {
  Kernel* kernel = Kernel::current();
  if (kernel != nullptr && kernel->process() != kNobody) {
    if (command == F_SETLK || command == F_SETLKW) {
      return kernel->set_lock(descriptor, *static_cast<struct flock*>(argument));
    }
    if (command == F_GETLK) {
      return kernel->get_lock(descriptor, *static_cast<struct flock*>(argument));
    }
  }
  return static_cast<int>(::syscall(SYS_fcntl, descriptor, command, argument));
}

// A change of a file's name or rights shows in the time of its last change: our own times do.
int stat_at(int directory, const char* path, struct stat* status, int flags) {
  const auto done = ::syscall(SYS_newfstatat, directory, path, status, flags);
  if (done == 0 && Kernel::current() != nullptr) status->st_ctim = status->st_mtim;
  return static_cast<int>(done);
}

template <typename... Arguments>
int named(long call, Arguments... arguments) {
  return enter(Point::Name) ? static_cast<int>(::syscall(call, arguments...)) : -1;
}

}  // namespace
}  // namespace walwrap::simulation

using walwrap::simulation::enter;
using walwrap::simulation::Kernel;
using walwrap::simulation::part_of;
using walwrap::simulation::Point;
using walwrap::simulation::space_of;

extern "C" {

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : mode_t{0};
  va_end(rest);
  return walwrap::simulation::open_at(AT_FDCWD, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : mode_t{0};
  va_end(rest);
  return walwrap::simulation::open_at(AT_FDCWD, path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : mode_t{0};
  va_end(rest);
  return walwrap::simulation::open_at(directory, path, flags, mode);
}
int close(int descriptor) {
  if (Kernel* kernel = Kernel::current()) kernel->drop_locks(descriptor);
  return static_cast<int>(::syscall(SYS_close, descriptor));
}
int fcntl64(int descriptor, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return walwrap::simulation::locked(descriptor, command, argument);
}
int fcntl(int descriptor, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return walwrap::simulation::locked(descriptor, command, argument);
}

ssize_t pread64(int descriptor, void* bytes, size_t count, off64_t at) {
  if (!enter(Point::Read)) return -1;
  return ::syscall(SYS_pread64, descriptor, bytes, part_of(count), at);
}
ssize_t pread(int descriptor, void* bytes, size_t count, off_t at) {
  return pread64(descriptor, bytes, count, at);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  const auto end = at + static_cast<off64_t>(count);
  if (!enter(Point::Write, space_of(descriptor, end))) return -1;
  return walwrap::simulation::touched(
      descriptor, ::syscall(SYS_pwrite64, descriptor, bytes, part_of(count), at));
}
ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  return pwrite64(descriptor, bytes, count, at);
}
ssize_t write(int descriptor, const void* bytes, size_t count) {
  const bool is_file = Kernel::current() != nullptr && walwrap::simulation::is_regular(descriptor);
  if (!is_file) return ::syscall(SYS_write, descriptor, bytes, count);
  const auto at = ::syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
  const auto end = at + static_cast<off64_t>(count);
  if (!enter(Point::Write, space_of(descriptor, end))) return -1;
  return walwrap::simulation::touched(descriptor,
                                      ::syscall(SYS_write, descriptor, bytes, part_of(count)));
}
int ftruncate64(int descriptor, off64_t size) noexcept {
  if (!enter(Point::Size, space_of(descriptor, size))) return -1;
  return static_cast<int>(
      walwrap::simulation::touched(descriptor, ::syscall(SYS_ftruncate, descriptor, size)));
}
int ftruncate(int descriptor, off_t size) noexcept {
  return ftruncate64(descriptor, size);
}
int fallocate(int descriptor, int mode, off_t at, off_t length) {
  if (!enter(Point::Size, space_of(descriptor, at + length))) return -1;
  return static_cast<int>(::syscall(SYS_fallocate, descriptor, mode, at, length));
}
int fsync(int descriptor) {
  return walwrap::simulation::synced(descriptor, SYS_fsync);
}
int fdatasync(int descriptor) {
  return walwrap::simulation::synced(descriptor, SYS_fdatasync);
}
// Of what is mapped: an fsync follows, which notes what is there.
int msync(void* at, size_t length, int flags) {
  if (Kernel::current() != nullptr) return 0;
  return static_cast<int>(::syscall(SYS_msync, at, length, flags));
}

int rename(const char* from, const char* to) noexcept {
  return walwrap::simulation::named(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_at, const char* from, int to_at, const char* to) noexcept {
  return walwrap::simulation::named(SYS_renameat2, from_at, from, to_at, to, 0);
}
int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) noexcept {
  return walwrap::simulation::named(SYS_renameat2, from_at, from, to_at, to, flags);
}
int link(const char* from, const char* to) noexcept {
  return walwrap::simulation::named(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int unlink(const char* path) noexcept {
  return walwrap::simulation::named(SYS_unlinkat, AT_FDCWD, path, 0);
}
int unlinkat(int directory, const char* path, int flags) noexcept {
  return walwrap::simulation::named(SYS_unlinkat, directory, path, flags);
}

int stat64(const char* path, struct stat64* status) noexcept {
  return walwrap::simulation::stat_at(AT_FDCWD, path, reinterpret_cast<struct stat*>(status), 0);
}
int stat(const char* path, struct stat* status) noexcept {
  return walwrap::simulation::stat_at(AT_FDCWD, path, status, 0);
}
int lstat(const char* path, struct stat* status) noexcept {
  return walwrap::simulation::stat_at(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}
int fstat(int descriptor, struct stat* status) noexcept {
  return walwrap::simulation::stat_at(descriptor, "", status, AT_EMPTY_PATH);
}

int clock_gettime(clockid_t id, timespec* time) noexcept {
  const Kernel* kernel = Kernel::current();
  if (kernel == nullptr) return static_cast<int>(::syscall(SYS_clock_gettime, id, time));
  const auto now = id == CLOCK_REALTIME ? kernel->wall() : kernel->mono();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  *time = {.tv_sec = seconds.count(), .tv_nsec = (now - seconds).count()};
  return 0;
}
int clock_nanosleep(clockid_t id, int flags, const timespec* time, timespec* left) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr) {
    return static_cast<int>(::syscall(SYS_clock_nanosleep, id, flags, time, left));
  }
  kernel->sleep(std::chrono::seconds(time->tv_sec) + std::chrono::nanoseconds(time->tv_nsec));
  return 0;
}
int usleep(useconds_t duration) {
  const timespec time{.tv_sec = duration / 1'000'000,
                      .tv_nsec = static_cast<long>(duration % 1'000'000) * 1000};
  return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}
// What is not ready at once is waited for, and that is a sleep.
int poll(pollfd* entries, nfds_t count, int limit_ms) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr) return static_cast<int>(::syscall(SYS_poll, entries, count, limit_ms));
  const auto ready = static_cast<int>(::syscall(SYS_poll, entries, count, 0));
  if (ready != 0 || limit_ms == 0) return ready;
  kernel->sleep(std::chrono::milliseconds(limit_ms));
  return static_cast<int>(::syscall(SYS_poll, entries, count, 0));
}
// One thread: what would start another does its work itself, as at the platform's limit of tasks.
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  if (Kernel::current() != nullptr) return EAGAIN;
  static const auto real =
      reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, run, argument);
}
pid_t getpid() noexcept {
  const Kernel* kernel = Kernel::current();
  if (kernel != nullptr && kernel->process() != walwrap::simulation::kNobody) {
    return kernel->process();
  }
  return static_cast<pid_t>(::syscall(SYS_getpid));
}
ssize_t getrandom(void* bytes, size_t count, unsigned flags) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr) return ::syscall(SYS_getrandom, bytes, count, flags);
  auto* at = static_cast<unsigned char*>(bytes);
  for (std::size_t i = 0; i < count; ++i) at[i] = static_cast<unsigned char>(kernel->random());
  return static_cast<ssize_t>(count);
}
// Looks are driven by the script, and to end a watch takes the kernel ten milliseconds.
int inotify_init1(int flags) noexcept {
  if (Kernel::current() == nullptr) return static_cast<int>(::syscall(SYS_inotify_init1, flags));
  errno = ENOSYS;
  return -1;
}
}
