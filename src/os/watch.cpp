#include "walwrap/os/watch.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "walwrap/os/clock.hpp"

namespace walwrap::os {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{16} * 1024;
// A writer that never pauses must not keep take() from returning; the rest stays queued.
constexpr int kReadsPerTake = 16;
constexpr std::chrono::milliseconds kSelfTestWait{200};

constexpr std::uint32_t kDirectoryEvents =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR;

Result<int> add_watch(int inotify, const Path& path, std::uint32_t events) {
  const int watch = ::inotify_add_watch(inotify, path.c_str(), events);
  if (watch < 0) return errno_failure("inotify_add_watch", path.native(), errno);
  return watch;
}

class RemovedAtEnd {
 public:
  explicit RemovedAtEnd(Path path) : path_(std::move(path)) {}
  RemovedAtEnd(const RemovedAtEnd&) = delete;
  RemovedAtEnd& operator=(const RemovedAtEnd&) = delete;
  ~RemovedAtEnd() { ignore(remove_file(path_), "a scratch file that is never read"); }

 private:
  Path path_;
};

Result<bool> sees_a_write_in(const Path& directory) {
  const Path scratch = directory / (".walwrap-watch-" + format_hex16(random_u64()));
  auto file = TRY(File::open(scratch, File::Open::CreateNew));
  const RemovedAtEnd cleanup(scratch);
  auto watch = TRY(Watch::create());
  TRY(watch.watch_writes(scratch));
  TRY(file.write_at(as_bytes("x"), 0));
  const SystemClock clock;
  const MonoTime deadline = clock.mono() + kSelfTestWait;
  while (true) {
    if (watch.take().written) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.mono());
    if (left.count() <= 0) return false;
    pollfd entry{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&entry, 1, static_cast<int>(left.count()));
  }
}

}  // namespace

Result<Watch> Watch::create() {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.is_open()) return errno_failure("inotify_init1", "", errno);
  return Watch(std::move(fd));
}

Result<void> Watch::watch_writes(const Path& file) {
  const int watch = TRY(add_watch(fd_.get(), file, IN_MODIFY));
  // The same inode keeps its number; another one leaves the old watch to be dropped.
  if (watch != file_watch_) stop_watching_writes();
  file_watch_ = watch;
  return {};
}

void Watch::stop_watching_writes() {
  // Fails harmlessly where the kernel has dropped the watch with its file.
  if (file_watch_ >= 0) ::inotify_rm_watch(fd_.get(), file_watch_);
  file_watch_ = -1;
}

Result<void> Watch::watch_directory(const Path& directory) {
  const int watch = TRY(add_watch(fd_.get(), directory, kDirectoryEvents));
  if (directory_watch_ >= 0 && watch != directory_watch_) {
    ::inotify_rm_watch(fd_.get(), directory_watch_);
  }
  directory_watch_ = watch;
  return {};
}

void Watch::note(int watch, std::uint32_t events, std::string_view name, Seen& seen) {
  if ((events & IN_Q_OVERFLOW) != 0) seen.overflowed = true;
  if (watch == file_watch_) {
    if ((events & IN_MODIFY) != 0) seen.written = true;
    if ((events & IN_IGNORED) != 0) file_watch_ = -1;
  } else if (watch == directory_watch_) {
    if (!name.empty()) seen.names.emplace_back(name);
    if ((events & IN_IGNORED) != 0) {  // the directory itself is gone
      directory_watch_ = -1;
      seen.overflowed = true;
    }
  }
}

Watch::Seen Watch::take() {
  Seen seen;
  alignas(inotify_event) std::array<char, kBufferBytes> buffer;
  for (int reads = 0; reads < kReadsPerTake; ++reads) {
    const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const auto filled = static_cast<std::size_t>(got);
    for (std::size_t at = 0; at + sizeof(inotify_event) <= filled;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      // The name is padded with zeros to event.len bytes.
      const char* const name = buffer.data() + at + sizeof event;
      note(event.wd, event.mask, {name, ::strnlen(name, event.len)}, seen);
      at += sizeof event + event.len;
    }
  }
  return seen;
}

bool Watch::self_test(const Path& directory) {
  return sees_a_write_in(directory).value_or(false);
}

}  // namespace walwrap::os
