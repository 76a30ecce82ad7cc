#include "walwrap/replication/upload/store_profile.hpp"

#include <doctest/doctest.h>

using namespace walwrap;
using namespace walwrap::replication;
using std::chrono::milliseconds;
using storage::StoreKind;

TEST_CASE("the kind of store determines the object keys and the upload interval") {
  CHECK(key_style_of(StoreKind::File) == KeyStyle::Directory);
  CHECK(upload_pace(StoreKind::File, {}).interval == milliseconds(100));
  CHECK(upload_pace(StoreKind::File, {}).steady_share_percent == 1);
  CHECK(upload_pace(StoreKind::File, {}).max_share_percent == 20);
  CHECK(key_style_of(StoreKind::S3) == KeyStyle::S3);
  CHECK(upload_pace(StoreKind::S3, {}).interval == milliseconds(1'000));
  CHECK(upload_pace(StoreKind::S3, milliseconds(3'000)).interval == milliseconds(3'000));
  CHECK(upload_pace(StoreKind::S3, milliseconds(3'000)).longest == milliseconds(3'000));
}

TEST_CASE("a waiting client skips the pace in a directory, and keeps it with billed requests") {
  REQUIRE(pace_of_waits(StoreKind::File));
  CHECK(pace_of_waits(StoreKind::File)->max_share_percent == 20);
  CHECK(!pace_of_waits(StoreKind::S3));
}
