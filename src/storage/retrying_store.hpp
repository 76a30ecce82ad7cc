// A store that tries again: what is Unavailable or Unknown is repeated until there is an answer.
//
// It never gives up by itself, only when its budget says so: then the error is Cancelled or
// Deadline, with the last failure in its text. Any other error is an answer and is returned as it
// is, and so is every failure of a put that is not to be repeated. Exists after a repeated put may
// be the caller's own object: the caller settles that by comparing contents. What a sink or a body
// returns is the caller's, and never repeated; a get() goes on behind the last byte the sink has
// taken. Owned by one thread, like the store it owns.
//
// Waits are jittered and grow to Backoff's ceiling. A store that says when it wants to be asked
// again is not asked sooner, up to a minute; in a hurry waits are at most half a second whatever it
// says, and a hurry that has just begun ends the wait it interrupts. Failures are logged when they
// start, every 30 s, and when they end.
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

// Told what is wrong when a store stops answering, and "" when it answers again; by the thread
// that owns the store.
using OutageFn = std::function<void(std::string_view why)>;

class RetryingStore : public ObjectStore {
 public:
  struct Options {
    const os::Clock& clock;  // borrowed, like the log
    const Log& log;
    std::function<void(std::chrono::milliseconds)> sleep;  // may return early
    std::function<std::uint64_t()> random;                 // uniform over all values
    CallBudgetFn budget;  // asked after each failure and every kLook
    OutageFn on_outage = {};
    Backoff::Limits backoff = {};
  };
  static constexpr std::chrono::milliseconds kLook{100};  // how often a wait asks
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
