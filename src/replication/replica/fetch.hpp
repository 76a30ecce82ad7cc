// Reads stored objects: in the pieces that a decoder needs, or with several threads at once.
//
// A FetchPool belongs to the thread that made it. Each of its threads has its own store and
// buffers, so that a long restore allocates once.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// Reads exactly the bytes of the range into `buffer`, which it resizes. Errors name the object key.
// `stop`, if given, is called as bytes arrive: Cancelled.
Result<void> fetch_range(storage::ObjectStore& store, const std::string& key,
                         storage::ByteRange range, ByteVector& buffer,
                         const std::atomic<bool>* stop = nullptr);

// An object of `size` bytes from its beginning, fetched `piece` bytes at a time. Borrows the store.
ReadFn object_reader(storage::ObjectStore& store, const std::string& key, Bytes size, Bytes piece);

class FetchPool {
 public:
  // What a task works with: the objects of its thread.
  struct Worker {
    std::unique_ptr<storage::ObjectStore> store;
    ByteVector fetched;
    ByteVector decoded;
  };
  using Task = std::function<Result<void>(Worker& worker)>;

  // One thread per store. Where none can start (the platform's limit of tasks), the owner's thread
  // does the tasks while it waits: a start does not fail for that. `idle` is called on the owner's
  // thread while it waits for others, and its error ends the wait. Not movable: the threads refer
  // to it.
  FetchPool(os::Wakeup progress, std::function<Result<void>()> idle);
  FetchPool(const FetchPool&) = delete;
  FetchPool& operator=(const FetchPool&) = delete;
  ~FetchPool();  // drops tasks that have not begun, waits for the rest
  Result<void> add_thread(std::unique_ptr<storage::ObjectStore> store);

  // Each of these returns the first error of any task, if there is one.
  Result<void> submit(Task task);  // waits while the queue is full
  Result<void> wait_until(const std::function<bool()>& ready);
  Result<void> drain();  // waits until every task is done

  // Set when a task has failed or the pool is ending: a running worker may give up.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  struct Thread {
    Worker worker;
    os::Wakeup wakeup;
    os::Thread thread;
  };
  struct Shared {
    std::deque<Task> queue;
    std::size_t running = 0;
    std::optional<Error> error;
    std::optional<std::string> panic;  // an exception from a task
  };
  static constexpr std::chrono::milliseconds kIdleEvery{50};

  void run(Thread& thread);
  bool work_here();
  std::optional<Task> next_task();
  void finish_task(const Result<void>& result);

  os::Wakeup progress_;
  std::function<Result<void>()> idle_;
  std::atomic<bool> stopping_{false};
  os::Published<Shared> shared_;
  bool has_thread_ = false;
  std::vector<std::unique_ptr<Thread>> threads_;  // last: ended before what they use
};

}  // namespace walwrap::replication
