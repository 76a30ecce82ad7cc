// An uploader whose store was not reached yet.
#include <doctest/doctest.h>

#include "tests/support/chain.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("a comparison before the store is reached leaves the state as it was") {
  testing::Chain chain;
  REQUIRE(chain.upload().is_stored());
  REQUIRE(chain.uploader->save(true));
  const SavedState before = chain.uploader->state();
  chain.make_uploader(nullptr, before);
  const auto done = chain.upload(job::Compare{});
  CHECK(std::get<answer::Compare>(done.answer).is_equal);
  CHECK(chain.uploader->state().clean);
  CHECK(chain.uploader->state().wal == before.wal);
  CHECK(chain.uploader->save_due() == MonoTime::max());
}

}  // namespace
}  // namespace walwrap::replication
