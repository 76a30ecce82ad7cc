// A store that tries again: Unavailable and Unknown are repeated until there is an answer.
//
// It gives up only when its budget ends. The error is then Cancelled or Deadline, with the last
// failure in its text. Any other error is an answer and is returned unchanged, as is every failure
// of a put that must not be repeated. Exists after a repeated put may mean the caller's own object:
// the caller compares the contents. Errors of a sink or body belong to the caller and are never
// repeated. A get() continues after the last byte that the sink took. Owned by one thread, like the
// store it owns.
//
// Waits have jitter and grow to Backoff's ceiling. Retry-After of a store is respected up to a
// minute. In a hurry, waits are at most half a second in every case, and a hurry that begins during
// a wait ends that wait. Failures are logged when they start, every 30 s, and when they end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/backoff.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

// Called with the error when a store stops answering, and with "" when it answers again; by the
// thread that owns the store.
using OutageFn = std::function<void(std::string_view why)>;

class RetryingStore : public ObjectStore {
 public:
  struct Options {
    const os::Clock& clock;  // borrowed, like the log
    const Log& log;
    std::function<void(std::chrono::milliseconds)> sleep;  // may return early
    std::function<std::uint64_t()> random;                 // uniform over all values
    CallBudgetFn budget;  // called after each failure and every kLook
    OutageFn on_outage = {};
    Backoff::Limits backoff = {};
  };
  static constexpr std::chrono::milliseconds kLook{100};  // the interval of checks during a wait
  static constexpr std::chrono::milliseconds kLongestHurry{500};
  static constexpr std::chrono::milliseconds kLongestAsked{60'000};

  RetryingStore(std::unique_ptr<ObjectStore> store, Options options);

  Result<void> put(const std::string& key, const Body& body, const PutOptions& options) override;
  Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                       const std::string& start_after) override;
  Result<FirstObjects> list_first() override;
  Result<void> remove(const std::string& key) override;
  Result<void> remove_many(const std::vector<std::string>& keys) override;
  Result<Place> rebind() override { return store_->rebind(); }
  CreateOnly create_only() const override { return store_->create_only(); }
  std::string describe() const override;

 private:
  struct Operation {
    std::string_view name;
    const std::string& key;
    bool caller_failed = false;  // its sink or body, not the store
    Repeat repeat = Repeat::UntilAnswered;
  };
  template <typename Attempt>
  auto repeat(Operation& operation, Attempt attempt) -> decltype(attempt());
  Result<void> wait(Backoff& backoff, const Error& last);
  void on_failure(const Operation& operation, const Error& error);
  void on_answer();

  std::unique_ptr<ObjectStore> store_;
  Options options_;
  FailureEpisode episode_;
  MonoTime failing_since_{};
};

}  // namespace walwrap::storage
