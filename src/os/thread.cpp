#include "walwrap/os/thread.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include "walwrap/os/clock.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/signals.hpp"

namespace walwrap::os {
namespace {

constexpr std::size_t kNameBytes = 15;  // the kernel's limit, without the final zero

// A thread inherits the mask of its creator, so blocking here leaves no moment in which a signal
// could be delivered to the new one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    const sigset_t all = blockable_signals();
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

struct Work {
  std::string name;
  std::function<void()> run;
  std::function<void(std::string_view)> on_panic;
};

void run_to_the_end(const Work& work) noexcept {
  ::pthread_setname_np(::pthread_self(), work.name.c_str());
  try {
    work.run();
  } catch (const std::exception& exception) {
    work.on_panic(exception.what());
  } catch (...) {
    work.on_panic("an exception of unknown type");
  }
}

}  // namespace

Thread::Thread(std::string name, std::function<void()> run,
               std::function<void(std::string_view what)> on_panic) {
  if (name.size() > kNameBytes) name.resize(kNameBytes);
  const Work work{std::move(name), std::move(run), std::move(on_panic)};
  const SignalsBlocked blocked;
  try {
    thread_ = std::thread([work] { run_to_the_end(work); });
  } catch (const std::system_error& error) {
    work.on_panic(fmt::format("start thread {}: {}", work.name, error.what()));
  }
}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    join();
    thread_ = std::move(other.thread_);
  }
  return *this;
}

Thread::~Thread() {
  join();
}

void Thread::join() {
  if (thread_.joinable()) thread_.join();
}

void lower_thread_priority() {
  constexpr int kNicer = 10;
  // Of this thread alone, on Linux. Refused nowhere, for it asks for less.
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0) ::setpriority(PRIO_PROCESS, 0, now + kNicer);
}

void take_short_turns() {
  // The kernel's struct sched_attr as of its first version; the C library has none.
  struct {
    std::uint32_t size = 48, policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
  } attributes;
  constexpr std::uint64_t kShortestTurn = 100'000;  // ns
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return;
  attributes.runtime = kShortestTurn;
  // Refused where only a deadline has a run time: then the turns are as they were.
  [[maybe_unused]] const auto done = ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

Result<Wakeup> Wakeup::create() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.is_open()) return errno_failure("eventfd", "", errno);
  return Wakeup(std::move(fd));
}

void Wakeup::notify() {
  const std::uint64_t one = 1;
  // EAGAIN, the only way to fail, means a full counter: the other side is notified already.
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void Wakeup::drain() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

bool Wakeup::wait_for(std::chrono::milliseconds limit) {
  const SystemClock clock;
  // poll(2) takes an int; three weeks are as good as for ever.
  limit = std::clamp(limit, std::chrono::milliseconds(0), std::chrono::milliseconds(INT_MAX));
  const MonoTime deadline = clock.mono() + limit;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.mono());
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    std::uint64_t count = 0;
    if (::read(fd_.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count)) return true;
    if (clock.mono() >= deadline) return false;
  }
}

}  // namespace walwrap::os
