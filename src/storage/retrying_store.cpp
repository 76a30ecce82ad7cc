#include "walwrap/storage/retrying_store.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::storage {
namespace {

using std::chrono::milliseconds;

bool is_repeatable(Code code) {
  return code == Code::Unavailable || code == Code::Unknown;
}

milliseconds milliseconds_since(MonoTime start, MonoTime now) {
  return std::chrono::duration_cast<milliseconds>(now - start);
}

}  // namespace

RetryingStore::RetryingStore(std::unique_ptr<ObjectStore> store, Options options)
    : store_(std::move(store)), options_(std::move(options)) {
  WW_CHECK(store_ != nullptr);
  WW_CHECK(options_.sleep && options_.random && options_.budget);
}

template <typename Attempt>
auto RetryingStore::repeat(Operation& operation, Attempt attempt) -> decltype(attempt()) {
  Backoff backoff(options_.backoff);
  while (true) {
    auto result = attempt();
    if (!result && operation.caller_failed) return result;
    if (result || !is_repeatable(result.error().code)) {
      on_answer();
      return result;
    }
    on_failure(operation, result.error());
    if (operation.repeat == Repeat::Once) return result;
    TRY(wait(backoff, result.error()));
  }
}

Result<void> RetryingStore::wait(Backoff& backoff, const Error& last) {
  const bool was_hurry = options_.budget().hurry;
  // The jitter is added, because all clients with the same Retry-After would otherwise return at
  // the same time.
  auto delay = std::clamp(last.retry_after, milliseconds(0), kLongestAsked) +
               backoff.next_delay(options_.random());
  if (was_hurry) delay = std::min(delay, kLongestHurry);
  const MonoTime until = options_.clock.mono() + delay;
  while (true) {
    const CallBudget budget = options_.budget();
    const MonoTime now = options_.clock.mono();
    if (!budget.go_on) return fail(Code::Cancelled, "stopped; last error: {}", last.text);
    if (budget.deadline && now >= *budget.deadline) {
      return fail(Code::Deadline, "out of time; last error: {}", last.text);
    }
    const bool is_urgent_now = budget.hurry && !was_hurry;
    if (now >= until || is_urgent_now) return {};
    const MonoTime wake = budget.deadline ? std::min(until, *budget.deadline) : until;
    options_.sleep(std::min(kLook, std::chrono::ceil<milliseconds>(wake - now)));
  }
}

void RetryingStore::on_failure(const Operation& operation, const Error& error) {
  const MonoTime now = options_.clock.mono();
  switch (episode_.on_failure(now)) {
    case FailureEpisode::Say::Started:
      failing_since_ = now;
      if (options_.on_outage) options_.on_outage(error.text);
      options_.log.warn("store does not answer", {{"store", store_->describe()},
                                                  {"operation", operation.name},
                                                  {"key", operation.key},
                                                  {"error", error.text}});
      return;
    case FailureEpisode::Say::Continues:
      options_.log.warn("store still does not answer",
                        {{"store", store_->describe()},
                         {"operation", operation.name},
                         {"key", operation.key},
                         {"error", error.text},
                         {"failures", episode_.failures()},
                         {"down_ms", milliseconds_since(failing_since_, now).count()}});
      return;
    case FailureEpisode::Say::Nothing:
    case FailureEpisode::Say::Ended:
      return;
  }
}

void RetryingStore::on_answer() {
  if (episode_.on_success() != FailureEpisode::Say::Ended) return;
  if (options_.on_outage) options_.on_outage("");
  options_.log.info(
      "store answers again",
      {{"store", store_->describe()},
       {"failures", episode_.failures()},
       {"down_ms", milliseconds_since(failing_since_, options_.clock.mono()).count()}});
}

Result<void> RetryingStore::put(const std::string& key, const Body& body,
                                const PutOptions& options) {
  Operation operation{.name = "put", .key = key, .repeat = options.repeat};
  return repeat(operation, [&] {
    const Body watched = [&](const WriteFn& sink) -> Result<void> {
      bool sink_failed = false;
      auto written = body([&](ByteSpan bytes) {
        auto taken = sink(bytes);
        sink_failed = !taken;
        return taken;
      });
      operation.caller_failed = !written && !sink_failed;
      return written;
    };
    return store_->put(key, watched, options);
  });
}

Result<void> RetryingStore::get(const std::string& key, ByteRange range, const WriteFn& sink) {
  Operation operation{.name = "get", .key = key};
  Bytes delivered = 0;
  const WriteFn watched = [&](ByteSpan bytes) -> Result<void> {
    auto taken = sink(bytes);
    operation.caller_failed = !taken;
    if (taken) delivered += bytes.size();
    return taken;
  };
  return repeat(operation, [&]() -> Result<void> {
    const bool is_whole = range.length == 0;
    // Every byte arrived; only the end of the answer was lost.
    if (!is_whole && delivered == range.length) return {};
    const ByteRange rest = {.offset = range.offset + delivered,
                            .length = is_whole ? 0 : range.length - delivered};
    return store_->get(key, rest, watched);
  });
}

Result<ObjectInfo> RetryingStore::head(const std::string& key) {
  Operation operation{.name = "head", .key = key};
  return repeat(operation, [&] { return store_->head(key); });
}

Result<std::vector<ObjectInfo>> RetryingStore::list(const std::string& prefix,
                                                    const std::string& start_after) {
  Operation operation{.name = "list", .key = prefix};
  return repeat(operation, [&] { return store_->list(prefix, start_after); });
}

Result<FirstObjects> RetryingStore::list_first() {
  Operation operation{.name = "list", .key = ""};
  return repeat(operation, [&] { return store_->list_first(); });
}

Result<void> RetryingStore::remove(const std::string& key) {
  Operation operation{.name = "remove", .key = key};
  return repeat(operation, [&] { return store_->remove(key); });
}

Result<void> RetryingStore::remove_many(const std::vector<std::string>& keys) {
  if (keys.empty()) return {};
  Operation operation{.name = "remove", .key = keys.front()};
  return repeat(operation, [&] { return store_->remove_many(keys); });
}

std::string RetryingStore::describe() const {
  return store_->describe();
}

}  // namespace walwrap::storage
