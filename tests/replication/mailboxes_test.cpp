#include "walwrap/replication/mailboxes.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

TEST_CASE("one job at a time crosses to the uploader and takes its pages along") {
  const auto mailboxes = Mailboxes::create();
  REQUIRE(mailboxes.has_value());
  UploadJob job;
  job.pages.add(Pgno{7});
  CHECK((*mailboxes)->job.offer(std::move(job)));
  CHECK_FALSE((*mailboxes)->job.offer(UploadJob{}));
  const auto taken = (*mailboxes)->job.take();
  REQUIRE(taken.has_value());
  CHECK(taken->pages.contains(Pgno{7}));
  CHECK_FALSE((*mailboxes)->job.take().has_value());
}

}  // namespace
}  // namespace walwrap::replication
