// When expiring credentials are refreshed, and how long those in hand are used.
//
// Pure; owned by one thread. Expiry is wall time, because the service says it so; limits are on the
// time that only moves forward. What a service has just given is used for a minute whatever our
// clock says of its expiry: the store is the judge, and its time corrects ours.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::storage {

class CredentialRefresh {
 public:
  static constexpr std::chrono::minutes kBefore{5};        // expiry
  static constexpr std::chrono::minutes kBetweenTries{1};  // while those in hand can be used
  static constexpr std::chrono::seconds kBetweenForced{
      10};  // a store may refuse them again and again

  struct Now {
    WallTime wall;
    MonoTime mono;
  };
  enum class Do {
    Use,    // those in hand
    Fetch,  // then say on_fetched or on_failed
    Fail,   // with the error of the last fetch: those in hand were refused, and it is too early
  };
  Do next(Now now) const;

  void on_fetched(std::optional<WallTime> expires, Now now);
  void on_failed(Now now);
  // After a fetch that gave none: those in hand have not expired, and nobody refused them.
  bool can_be_used(Now now) const;
  // The store did not take them.
  void on_refused(Now now);
  bool is_refused() const { return is_refused_; }
  // Fetched by another chain: worth taking instead of an own fetch.
  static bool is_fresh(std::optional<WallTime> expires, Now now);

 private:
  bool has_keys_ = false;
  bool is_refused_ = false;
  bool last_succeeded_ = false;
  std::optional<WallTime> expires_;  // nullopt: never
  std::optional<MonoTime> tried_;
  std::optional<MonoTime> forced_;  // the last try because they were refused
};

}  // namespace walwrap::storage
