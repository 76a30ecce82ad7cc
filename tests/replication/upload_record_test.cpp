#include "walwrap/replication/upload_record.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

TEST_CASE("uploads are counted with their bytes, and failures are counted separately") {
  UploadRecord record;
  const WallTime now{std::chrono::hours(1)};
  UploadDone failed;
  failed.error = "the store is away";
  record.on_done(failed, now);
  CHECK(record.counts().failed == 1);
  CHECK_FALSE(record.stored_at().has_value());
  UploadDone done;
  done.answer = answer::Changes{.stored = true, .bytes = 700};
  done.compacted = 300;
  done.took = std::chrono::milliseconds(12);
  record.on_done(done, now);
  CHECK(record.counts().failed == 1);
  CHECK(record.counts().bytes == 1'000);
  CHECK(record.counts().took.count() == 1);
  CHECK(record.last_put() == std::chrono::milliseconds(12));
  CHECK(record.stored_at() == now);
}

}  // namespace
}  // namespace walwrap::replication
