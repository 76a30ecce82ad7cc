#include "walwrap/replication/replica/fetch.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/os/thread_or_here.hpp"

namespace walwrap::replication {
namespace {

// Enough that no thread waits for the owner, and few enough that tasks hold little memory (Law 5).
constexpr std::size_t kQueuedPerThread = 2;
// A thread without work checks the queue this often, in case another thread took its notification.
constexpr std::chrono::milliseconds kLookEvery{200};

}  // namespace

Result<void> fetch_range(storage::ObjectStore& store, const std::string& key,
                         storage::ByteRange range, ByteVector& buffer,
                         const std::atomic<bool>* stop) {
  buffer.resize(static_cast<std::size_t>(range.length));
  std::size_t filled = 0;
  const auto sink = [&](ByteSpan bytes) -> Result<void> {
    if (stop != nullptr && stop->load()) return fail(Code::Cancelled, "interrupted");
    if (bytes.size() > buffer.size() - filled) {
      return fail(Code::Corrupt, "more bytes than requested");
    }
    std::ranges::copy(bytes, buffer.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += bytes.size();
    return {};
  };
  if (range.length == 0) return {};  // a store would read it as: everything that follows
  TRY(store.get(key, range, sink).context(key));
  if (filled < buffer.size()) {
    return fail(Code::Corrupt, "{}: ended {} bytes early", key, buffer.size() - filled);
  }
  return {};
}

ReadFn object_reader(storage::ObjectStore& store, const std::string& key, Bytes size, Bytes piece) {
  struct State {
    ByteVector buffer;
    std::size_t taken = 0;
    Bytes fetched = 0;
  };
  return [&store, key, size, piece,
          state = State()](MutableByteSpan out) mutable -> Result<std::size_t> {
    if (state.taken == state.buffer.size()) {
      const Bytes length = std::min(piece, size - state.fetched);
      TRY(fetch_range(store, key, {state.fetched, length}, state.buffer));
      state.fetched += length;
      state.taken = 0;
    }
    const std::size_t length = std::min(out.size(), state.buffer.size() - state.taken);
    std::copy_n(state.buffer.begin() + static_cast<std::ptrdiff_t>(state.taken), length,
                out.begin());
    state.taken += length;
    return length;
  };
}

FetchPool::FetchPool(os::Wakeup progress, std::function<Result<void>()> idle)
    : progress_(std::move(progress)), idle_(std::move(idle)) {}

FetchPool::~FetchPool() {
  stopping_ = true;
  shared_.update([](Shared& shared) { shared.queue.clear(); });
  for (const auto& thread : threads_) thread->wakeup.notify();
  for (const auto& thread : threads_) thread->thread.join();
}

Result<void> FetchPool::add_thread(std::unique_ptr<storage::ObjectStore> store) {
  auto wakeup = TRY(os::Wakeup::create());
  threads_.push_back(std::make_unique<Thread>(
      Thread{Worker{std::move(store), {}, {}}, std::move(wakeup), os::Thread()}));
  Thread& added = *threads_.back();
  auto thread = os::try_thread(
      "fetch", [this, &added] { run(added); },
      [this](std::string_view what) {
        shared_.update([&](Shared& shared) { shared.panic = std::string(what); });
        stopping_ = true;
        progress_.notify();
      });
  if (thread) {
    added.thread = *std::move(thread);
    has_thread_ = true;
  }
  return {};
}

// False: there is no task, or there are threads for it.
bool FetchPool::work_here() {
  if (has_thread_ || threads_.empty()) return false;
  const auto task = next_task();
  if (!task) return false;
  finish_task((*task)(threads_.front()->worker));
  return true;
}

void FetchPool::run(Thread& thread) {
  while (!stopping_) {
    auto task = next_task();
    if (!task) {
      thread.wakeup.wait_for(kLookEvery);
      continue;
    }
    const auto result = (*task)(thread.worker);
    task.reset();  // its memory is freed before the owner learns that there is room
    finish_task(result);
  }
}

std::optional<FetchPool::Task> FetchPool::next_task() {
  std::optional<Task> task;
  shared_.update([&](Shared& shared) {
    if (shared.queue.empty()) return;
    task = std::move(shared.queue.front());
    shared.queue.pop_front();
    ++shared.running;
  });
  if (task) progress_.notify();
  return task;
}

void FetchPool::finish_task(const Result<void>& result) {
  shared_.update([&](Shared& shared) {
    --shared.running;
    // Failures after the first one only come from the order to stop.
    if (!result && !shared.error) shared.error = result.error();
  });
  if (!result) stopping_ = true;
  progress_.notify();
}

Result<void> FetchPool::wait_until(const std::function<bool()>& ready) {
  while (true) {
    // Before the check for errors: the last task may fail between the two.
    const bool is_ready = ready();
    std::optional<Error> error;
    std::optional<std::string> panic;
    shared_.update([&](const Shared& shared) {
      error = shared.error;
      panic = shared.panic;
    });
    if (panic) throw Panic(*panic);  // an exception stays one, whatever thread it came from
    if (error) return fail(*std::move(error));
    TRY(idle_());
    if (is_ready) return {};
    if (!work_here()) progress_.wait_for(kIdleEvery);
  }
}

Result<void> FetchPool::submit(Task task) {
  TRY(wait_until([this] {
    std::size_t queued = 0;
    shared_.update([&](const Shared& shared) { queued = shared.queue.size(); });
    return queued < kQueuedPerThread * threads_.size();
  }));
  shared_.update([&](Shared& shared) { shared.queue.push_back(std::move(task)); });
  for (const auto& thread : threads_) thread->wakeup.notify();
  return {};
}

Result<void> FetchPool::drain() {
  return wait_until([this] {
    bool is_done = false;
    shared_.update(
        [&](const Shared& shared) { is_done = shared.queue.empty() && shared.running == 0; });
    return is_done;
  });
}

}  // namespace walwrap::replication
