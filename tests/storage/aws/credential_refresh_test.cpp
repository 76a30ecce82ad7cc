#include "walwrap/storage/aws/credential_refresh.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace std::chrono_literals;

namespace walwrap::storage {
namespace {

constexpr WallTime kStart{std::chrono::hours(500'000)};

CredentialRefresh::Now at(std::chrono::seconds since) {
  return {.wall = kStart + since, .mono = MonoTime(since + 1h)};
}

std::string_view name_of(CredentialRefresh::Do what) {
  switch (what) {
    case CredentialRefresh::Do::Use:
      return "use";
    case CredentialRefresh::Do::Fetch:
      return "fetch";
    case CredentialRefresh::Do::Fail:
      return "fail";
  }
  return "?";
}

// Asks at each of these times; a fetch succeeds, fails, or is not made.
enum class Service { Gives, GivesTheSame, Fails };
struct Moment {
  std::chrono::seconds when;
  std::string_view what;
  Service service = Service::Gives;
  bool is_refused_after = false;
};

void walk(std::chrono::seconds lifetime, std::initializer_list<Moment> moments) {
  CredentialRefresh freshness;
  WallTime expires = kStart;
  for (const Moment& moment : moments) {
    CAPTURE(moment.when.count());
    const auto now = at(moment.when);
    const auto what = freshness.next(now);
    CHECK(name_of(what) == moment.what);
    if (what == CredentialRefresh::Do::Fetch) {
      if (moment.service == Service::Gives) expires = now.wall + lifetime;
      if (moment.service == Service::Fails) {
        freshness.on_failed(now);
      } else {
        freshness.on_fetched(expires, now);
      }
    }
    if (moment.is_refused_after) freshness.on_refused(now);
  }
}

TEST_CASE("credentials are fetched once, and again five minutes before they expire") {
  walk(1h, {{0s, "fetch"},
            {0s, "use"},
            {54min, "use"},
            {55min, "fetch"},
            {56min, "use"},
            {109min, "use"},
            {110min, "fetch"}});
}

TEST_CASE("credentials that never expire are fetched once") {
  CredentialRefresh freshness;
  freshness.on_fetched(std::nullopt, at(0s));
  CHECK(freshness.next(at(10'000h)) == CredentialRefresh::Do::Use);
}

TEST_CASE("valid credentials are used while a refresh fails, which is tried once a minute") {
  walk(1h, {{0s, "fetch"},
            {55min, "fetch", Service::Fails},
            {55min + 59s, "use"},
            {56min, "fetch", Service::Fails},
            {56min + 30s, "use"},
            {59min + 30s, "fetch", Service::Fails},
            {60min - 1s, "use"},
            {60min, "fetch", Service::Fails},
            {60min + 1s, "fetch", Service::Fails},
            {60min + 2s, "fetch"},
            {60min + 3s, "use"}});
  CredentialRefresh freshness;
  freshness.on_failed(at(0s));
  CHECK_FALSE(freshness.can_be_used(at(0s)));
  freshness.on_fetched(kStart + 1h, at(0s));
  freshness.on_failed(at(55min));
  CHECK(freshness.can_be_used(at(59min)));
  CHECK_FALSE(freshness.can_be_used(at(60min)));
}

TEST_CASE("a service that repeats the same credentials is asked once a minute") {
  walk(1h, {{0s, "fetch"},
            {55min, "fetch", Service::GivesTheSame},
            {55min + 1s, "use"},
            {56min, "fetch", Service::GivesTheSame},
            {56min + 1s, "use"},
            {57min, "fetch"},
            {58min, "use"}});
}

TEST_CASE("credentials with a life shorter than the margin are fetched once a minute") {
  walk(3min,
       {{0s, "fetch"}, {59s, "use"}, {60s, "fetch"}, {61s, "use"}, {119s, "use"}, {120s, "fetch"}});
}

TEST_CASE("credentials that have already expired on arrival are used for a minute") {
  walk(-3h, {{0s, "fetch"}, {1s, "use"}, {59s, "use"}, {60s, "fetch"}, {61s, "use"}});
  walk(-3h, {{0s, "fetch"}, {60s, "fetch", Service::Fails}, {61s, "fetch"}});
}

TEST_CASE("refused credentials are fetched again at most once in ten seconds") {
  walk(1h, {{0s, "fetch", Service::Gives, true},
            {1s, "fetch", Service::Gives, true},  // refused again at once: those in hand are used
            {2s, "use", Service::Gives, true},
            {10s, "use", Service::Gives, true},
            {11s, "use", Service::Gives, true},
            {12s, "fetch"},
            {13s, "use"}});
}

TEST_CASE("refused credentials are not used even when no others can be fetched") {
  walk(1h, {{0s, "fetch", Service::Gives, true},
            {1s, "fetch", Service::Fails},
            {2s, "fail"},
            {10s, "fail"},
            {11s, "fetch", Service::Fails},
            {21s, "fetch"},
            {22s, "use"}});
  CredentialRefresh freshness;
  freshness.on_refused(at(0s));  // of nothing
  CHECK_FALSE(freshness.is_refused());
  freshness.on_fetched(kStart + 1h, at(0s));
  freshness.on_refused(at(1s));
  CHECK(freshness.is_refused());
  CHECK_FALSE(freshness.can_be_used(at(1s)));
}

TEST_CASE("another chain's credentials are used while they need no refresh") {
  CHECK(CredentialRefresh::is_fresh(std::nullopt, at(0s)));
  CHECK(CredentialRefresh::is_fresh(kStart + 5min + 1ms, at(0s)));
  CHECK_FALSE(CredentialRefresh::is_fresh(kStart + 5min, at(0s)));
}

}  // namespace
}  // namespace walwrap::storage
