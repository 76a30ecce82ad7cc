// Threads, and the two ways to pass data between them besides moving a value.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

// A named thread with every signal blocked except the synchronous faults, joined by its destructor.
// What escapes `run` as an exception (a Panic: a bug) is given to `on_panic` as text, on that
// thread; the thread then ends. So is the failure to start one (the platform's limit of threads),
// on the caller's thread. `on_panic` must not throw. The kernel shows 15 bytes of `name`.
class Thread {
 public:
  Thread() = default;
  Thread(std::string name, std::function<void()> run,
         std::function<void(std::string_view what)> on_panic);
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&& other) noexcept;  // joins the one it replaces
  ~Thread();
  void join();

 private:
  std::thread thread_;
};

// For a thread whose work can wait while the app needs the processor: on a busy machine it gets a
// tenth of the app's share. This cannot be undone.
void lower_thread_priority();
// From now on this thread gets shorter turns on a processor, and so gets one sooner, with the same
// share. If the kernel cannot do this (before Linux 6.12), nothing changes.
void take_short_turns();

// Wakes one waiting thread; any number of notify() before the wait count as one. An eventfd, so it
// may sit in a Poller.
class Wakeup {
 public:
  static Result<Wakeup> create();
  void notify();
  void drain();  // forget notifications so far
  int descriptor() const { return fd_.get(); }
  // Waits for a notification (taking it) or until `limit` has passed; true if notified.
  bool wait_for(std::chrono::milliseconds limit);

 private:
  explicit Wakeup(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// The newest value of something one thread publishes and others read, copied whole.
template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(T value) : value_(std::move(value)) {}
  void set(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  T get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  template <typename Change>
  void update(Change change) {
    const std::lock_guard lock(mutex_);
    change(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

// A value handed from one thread to another, at most one at a time.
template <typename T>
class Handoff {
 public:
  // False if the last one was not taken yet.
  bool offer(T value) {
    const std::lock_guard lock(mutex_);
    if (value_) return false;
    value_.emplace(std::move(value));
    return true;
  }
  std::optional<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<T> value_;
};

}  // namespace walwrap::os
