#include "walwrap/replication/replica/points_lister.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "tests/support/fake_store.hpp"

using namespace walwrap;
using namespace walwrap::replication;
using testing::FakeBucket;
using testing::FakeStore;
using testing::StoreFault;

namespace {

struct Rig {
  FakeBucket bucket;
  os::SystemClock clock;
  os::Wakeup finished = *os::Wakeup::create();
  PointsLister lister{
      {.open_store = [this](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
         return std::make_unique<FakeStore>(bucket);
       },
       .style = KeyStyle::S3,
       .finished = &finished},
      clock};

  PointsLister::Current ask() {
    lister.ask();
    REQUIRE(finished.wait_for(std::chrono::milliseconds(10'000)));
    return lister.current();
  }
  void store(std::uint64_t txid) {
    bucket.set(file_key(KeyStyle::S3, kUploadLevel, {Txid{txid}, Txid{txid}}), {});
  }
};

}  // namespace

TEST_CASE("a points request gets the stored points, listed once while they are fresh") {
  Rig rig;
  CHECK(!rig.lister.current().found);
  rig.store(1);
  rig.store(2);
  const auto first = rig.ask();
  REQUIRE(first.found);
  REQUIRE(first.found->spans.size() == 1);
  CHECK(first.found->spans.front().last == Txid{2});
  rig.store(3);
  rig.bucket.forget_calls();
  rig.lister.ask();
  CHECK(!rig.lister.current().running);
  CHECK(rig.bucket.calls().empty());
}

TEST_CASE("a store that cannot be listed is an error, not an empty store") {
  Rig rig;
  rig.bucket.faults().fail_all(StoreFault::error(Code::Denied));
  const auto current = rig.ask();
  CHECK(!current.found);
  CHECK(current.error.find("list the replica") != std::string::npos);
}
