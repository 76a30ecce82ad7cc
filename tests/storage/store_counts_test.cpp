#include "walwrap/storage/store_counts.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_store.hpp"
#include "tests/support/fake_transport.hpp"
#include "walwrap/storage/stores/prices.hpp"

using namespace walwrap;
using namespace walwrap::storage;
using testing::FakeBucket;
using testing::FakeStore;
using testing::FakeTransport;
using testing::StoreFault;

TEST_CASE("store errors are counted by kind, and an absent object is not an error") {
  FakeBucket bucket;
  SharedCounts counts;
  const auto store = with_counts(std::make_unique<FakeStore>(bucket), counts);
  CHECK(!store->head("a"));
  CHECK(store->put("a", body_of({}), {}));
  CHECK(!store->put("a", body_of({}), {}));
  bucket.faults().fail_next(2, StoreFault::error(Code::Unavailable));
  CHECK(!store->list("", ""));
  CHECK(!store->remove("a"));
  bucket.faults().fail_next(1, StoreFault::error(Code::Denied));
  CHECK(!store->get("a", {}, [](ByteSpan) -> Result<void> { return {}; }));
  CHECK(counts.get().of(StoreError::Unavailable) == 2);
  CHECK(counts.get().of(StoreError::Denied) == 1);
  CHECK(counts.get().of(StoreError::Unknown) == 0);
  CHECK(counts.get().of(StoreError::Other) == 0);
}

TEST_CASE("requests are counted by their billing class, answered or not") {
  SharedCounts counts;
  const auto transport = with_counts(std::make_unique<FakeTransport>(), counts);
  const auto ask = [&](http::Method method, const std::string& url) {
    ignore(transport->perform({.method = method, .url = url}), "nobody is there");
  };
  ask(http::Method::Get, "http://h/b?list-type=2&prefix=x");
  ask(http::Method::Get, "http://h/b/key");
  ask(http::Method::Get, "http://h/b/key");
  ask(http::Method::Put, "http://h/b/key");
  ask(http::Method::Post, "http://h/b/key?uploads");
  ask(http::Method::Head, "http://h/b/key");
  ask(http::Method::Delete, "http://h/b/key");
  const StoreCounts got = counts.get();
  CHECK(got.of(RequestKind::List) == 1);
  CHECK(got.of(RequestKind::Get) == 2);
  CHECK(got.of(RequestKind::Put) == 1);
  CHECK(got.of(RequestKind::Post) == 1);
  CHECK(got.of(RequestKind::Head) == 1);
  CHECK(got.of(RequestKind::Delete) == 1);
}

TEST_CASE("a million of each kind of request costs what the price list says") {
  const Prices* aws = prices_of("AWS S3", "eu-central-1");
  REQUIRE(aws != nullptr);
  const auto price = [&](RequestKind kind) {
    StoreCounts counts;
    counts.requests[static_cast<std::size_t>(kind)] = 1'000'000;
    return price_of_requests(*aws, counts);
  };
  CHECK(price(RequestKind::Put) == doctest::Approx(5.0));
  CHECK(price(RequestKind::Post) == doctest::Approx(5.0));
  CHECK(price(RequestKind::List) == doctest::Approx(5.0));
  CHECK(price(RequestKind::Get) == doctest::Approx(0.4));
  CHECK(price(RequestKind::Head) == doctest::Approx(0.4));
  CHECK(price(RequestKind::Delete) == 0);
}
