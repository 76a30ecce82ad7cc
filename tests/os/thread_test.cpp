#include "walwrap/os/thread.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <vector>

#include "walwrap/base/check.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::os {
namespace {

using std::chrono::milliseconds;

void no_panic_expected(std::string_view what) {
  FAIL_CHECK(what);
}

sigset_t mask_of_this_thread() {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return mask;
}

TEST_CASE("a thread has its name, cut to what the kernel shows") {
  std::string shown;
  Thread thread(
      "capture:a-long-database-name",
      [&] {
        std::array<char, 16> name{};
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
        shown = name.data();
      },
      no_panic_expected);
  thread.join();
  CHECK(shown == "capture:a-long-");
}

TEST_CASE("a thread takes no signal except faults, and its creator's mask does not change") {
  sigset_t before;
  ::sigemptyset(&before);
  ::sigaddset(&before, SIGUSR2);
  sigset_t restored;  // at the end, for the other tests
  ::pthread_sigmask(SIG_SETMASK, &before, &restored);
  sigset_t seen;
  Thread thread(
      "masked", [&] { seen = mask_of_this_thread(); }, no_panic_expected);
  thread.join();
  for (const int number :
       {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1, SIGRTMIN, SIGRTMAX}) {
    CAPTURE(number);
    CHECK(sigismember(&seen, number) == 1);
  }
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    CAPTURE(number);
    CHECK(sigismember(&seen, number) == 0);
  }
  const sigset_t after = mask_of_this_thread();
  CHECK(sigismember(&after, SIGUSR2) == 1);
  CHECK(sigismember(&after, SIGTERM) == 0);
  ::pthread_sigmask(SIG_SETMASK, &restored, nullptr);
}

TEST_CASE("a panic ends its thread and is reported, whatever was thrown") {
  std::vector<std::string> told;
  const auto tell = [&](std::string_view what) { told.emplace_back(what); };
  Thread(
      "panics", [] { throw Panic("page count is zero"); }, tell)
      .join();
  Thread(
      "throws", [] { throw 42; }, tell)
      .join();
  Thread(
      "is-fine", [] {}, tell)
      .join();
  REQUIRE(told.size() == 2);
  CHECK(told[0] == "page count is zero");
  CHECK(told[1] == "an exception of unknown type");
}

TEST_CASE("lowering a thread's priority affects that thread alone") {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  int within = before;
  Thread(
      "gentle",
      [&] {
        lower_thread_priority();
        within = ::getpriority(PRIO_PROCESS, 0);
      },
      no_panic_expected);
  CHECK(within == std::min(before + 10, 19));
  CHECK(::getpriority(PRIO_PROCESS, 0) == before);
}

TEST_CASE("a thread is joined when it is destroyed or replaced") {
  std::atomic<int> ended = 0;
  const auto work = [&] {
    std::this_thread::sleep_for(milliseconds(20));
    ++ended;
  };
  {
    Thread thread("first", work, no_panic_expected);
    thread = Thread("second", work, no_panic_expected);
    CHECK(ended >= 1);
  }
  CHECK(ended == 2);
}

TEST_CASE("several notifications before a wait count as one") {
  Wakeup wakeup = Wakeup::create().value();
  for (int i = 0; i < 5; ++i) wakeup.notify();
  CHECK(wakeup.wait_for(milliseconds(0)));
  CHECK_FALSE(wakeup.wait_for(milliseconds(0)));
}

TEST_CASE("drained notifications do not end a later wait") {
  Wakeup wakeup = Wakeup::create().value();
  wakeup.notify();
  wakeup.drain();
  wakeup.drain();
  CHECK_FALSE(wakeup.wait_for(milliseconds(0)));
}

TEST_CASE("a wait without a notification lasts as long as allowed") {
  const SystemClock clock;
  Wakeup wakeup = Wakeup::create().value();
  const MonoTime start = clock.mono();
  CHECK_FALSE(wakeup.wait_for(milliseconds(15)));
  CHECK(clock.mono() - start >= milliseconds(15));
  CHECK_FALSE(wakeup.wait_for(milliseconds(-5)));
}

TEST_CASE("a notification wakes a waiting thread, which sees all earlier writes") {
  Wakeup wakeup = Wakeup::create().value();
  int plain = 0;  // no atomic: the wake-up itself orders the two threads
  bool is_woken = false;
  Thread waiter(
      "waiter", [&] { is_woken = wakeup.wait_for(milliseconds::max()) && plain == 7; },
      no_panic_expected);
  plain = 7;
  wakeup.notify();
  waiter.join();
  CHECK(is_woken);
}

TEST_CASE("a published value is always read completely") {
  struct Pair {
    int first = 0;
    int second = 0;
  };
  Published<Pair> pair;
  std::atomic<bool> is_torn = false;
  {
    const Thread writer(
        "writer",
        [&] {
          for (int i = 1; i <= 5000; ++i) pair.set({i, i});
        },
        no_panic_expected);
    const Thread reader(
        "reader",
        [&] {
          for (int i = 0; i < 5000; ++i) {
            const Pair seen = pair.get();
            if (seen.first != seen.second) is_torn = true;
          }
        },
        no_panic_expected);
  }
  CHECK_FALSE(is_torn);
  CHECK(pair.get().first == 5000);
}

TEST_CASE("concurrent updates of a published value are all kept") {
  Published<int> count;
  {
    std::vector<Thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back(
          "adder",
          [&] {
            for (int n = 0; n < 1000; ++n) count.update([](int& value) { ++value; });
          },
          no_panic_expected);
    }
  }
  CHECK(count.get() == 4000);
}

TEST_CASE("a value is handed over once, and a second one is refused until it is taken") {
  Handoff<std::unique_ptr<int>> handoff;
  CHECK_FALSE(handoff.take().has_value());
  CHECK(handoff.offer(std::make_unique<int>(1)));
  CHECK_FALSE(handoff.offer(std::make_unique<int>(2)));
  CHECK(*handoff.take().value() == 1);
  CHECK_FALSE(handoff.take().has_value());
  CHECK(handoff.offer(std::make_unique<int>(3)));
}

}  // namespace
}  // namespace walwrap::os
