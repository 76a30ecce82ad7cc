#include "walwrap/replication/exchange.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

TEST_CASE("one job at a time crosses to the uploader, and it takes its pages with it") {
  const auto exchange = Exchange::create();
  REQUIRE(exchange.has_value());
  UploadJob job;
  job.pages.add(Pgno{7});
  CHECK((*exchange)->job.offer(std::move(job)));
  CHECK_FALSE((*exchange)->job.offer(UploadJob{}));
  const auto taken = (*exchange)->job.take();
  REQUIRE(taken.has_value());
  CHECK(taken->pages.contains(Pgno{7}));
  CHECK_FALSE((*exchange)->job.take().has_value());
}

}  // namespace
}  // namespace walwrap::replication
