#include "walwrap/replication/upload/job.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

TEST_CASE("an answer reports what was stored, whatever the kind of the job") {
  UploadDone done;
  done.answer = answer::Changes{.stored = true, .bytes = 100};
  CHECK(done.is_stored());
  CHECK(done.bytes() == 100);
  done.answer = answer::Compare{.is_equal = true};
  CHECK_FALSE(done.is_stored());
  CHECK(done.changes() == nullptr);
  CHECK(done.bytes() == 0);
  done.answer = answer::Snapshot{.changes = {.stored = true, .bytes = 100}, .bytes = 900};
  CHECK(done.is_stored());
  CHECK(done.bytes() == 1'000);
}

}  // namespace
}  // namespace walwrap::replication
