#include "walwrap/storage/stores/prices.hpp"

#include <doctest/doctest.h>

#include "walwrap/storage/aws/s3_location.hpp"

using namespace walwrap::storage;

TEST_CASE("the price of an upload per second for a month matches the provider's prices") {
  constexpr std::uint64_t kSecondsOfMonth = 30ULL * 24 * 3600;
  struct Row {
    const char* host;
    double usd;
  };
  const Row rows[] = {{"s3.eu-central-1.amazonaws.com", 12.96},
                      {"x.r2.cloudflarestorage.com", 9.00},  // 1.59 million, rounded up
                      {"s3.us-west-004.backblazeb2.com", 0},
                      {"fly.storage.tigris.dev", 12.91}};
  for (const Row& row : rows) {
    CAPTURE(row.host);
    const auto* prices = prices_of(dialect_of(row.host).name, "auto");
    REQUIRE(prices != nullptr);
    CHECK(price_of_puts(*prices, kSecondsOfMonth) == doctest::Approx(row.usd).epsilon(0.001));
  }
}

TEST_CASE("a free store costs nothing, and an unknown provider has no price") {
  CHECK(price_of_puts(*prices_of("Cloudflare R2", "auto"), 1'000'000) == 0);
  CHECK(price_of_puts(*prices_of("Cloudflare R2", "auto"), 1'000'001) == 4.50);
  CHECK(price_of_puts(*prices_of("Tigris", "auto"), 10'000) == 0);
  CHECK(price_of_puts(*prices_of("AWS S3", "auto"), 0) == 0);
  CHECK(prices_of("S3-compatible", "auto") == nullptr);
  CHECK(prices_of("AWS S3", "cn-north-1") == nullptr);
  CHECK(prices_of("Wasabi", "auto") == nullptr);  // a minimum of 1 TB
}
