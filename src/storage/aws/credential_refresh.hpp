// When expiring credentials are refreshed, and how long the current ones are used.
//
// Pure; owned by one thread. Expiry is wall time, because the service gives it in that form. Limits
// use the monotonic time. Credentials that a service has just given are used for a minute even if
// they look expired: the store decides, and its time corrects the local clock.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::storage {

class CredentialRefresh {
 public:
  static constexpr std::chrono::minutes kBefore{5};        // expiry
  static constexpr std::chrono::minutes kBetweenTries{1};  // while the current ones can be used
  static constexpr std::chrono::seconds kBetweenForced{
      10};  // a store may refuse them again and again

  struct Now {
    WallTime wall;
    MonoTime mono;
  };
  enum class Do {
    Use,    // the current ones
    Fetch,  // then call on_fetched or on_failed
    Fail,   // with the error of the last fetch: the current ones were refused, and it is too early
  };
  Do next(Now now) const;

  void on_fetched(std::optional<WallTime> expires, Now now);
  void on_failed(Now now);
  // After a fetch without a result: the current ones have not expired and were not refused.
  bool can_be_used(Now now) const;
  // The store did not accept them.
  void on_refused(Now now);
  bool is_refused() const { return is_refused_; }
  // Another chain fetched these: use them instead of an own fetch.
  static bool is_fresh(std::optional<WallTime> expires, Now now);

 private:
  bool has_keys_ = false;
  bool is_refused_ = false;
  bool last_succeeded_ = false;
  std::optional<WallTime> expires_;  // nullopt: never
  std::optional<MonoTime> tried_;
  std::optional<MonoTime> forced_;  // the last try after a refusal
};

}  // namespace walwrap::storage
