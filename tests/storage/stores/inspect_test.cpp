#include "walwrap/storage/stores/inspect.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_store.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/storage/file_store.hpp"

using namespace walwrap;
using namespace walwrap::storage;

namespace {

constexpr const char* kKey = "walwrap/doctor-1";

bool went_well(const std::optional<Result<void>>& step) {
  return step && step->has_value();
}

}  // namespace

TEST_CASE("the rights check reports every right as granted and leaves no object") {
  testing::FakeBucket bucket;
  testing::FakeStore store(bucket);
  const auto rights = try_rights(store, kKey);
  for (const auto* step : {&rights.list, &rights.put, &rights.get, &rights.remove}) {
    CHECK(went_well(*step));
  }
  CHECK(rights.create_only == true);
  CHECK(bucket.keys().empty());
}

TEST_CASE("a directory grants every right and creates a name once") {
  const testing::TempDir directory;
  auto store = FileStore::open(directory.path() / "replica", Access::Create);
  REQUIRE(store.has_value());
  const auto rights = try_rights(**store, kKey);
  CHECK(went_well(rights.remove));
  CHECK(rights.create_only == true);
  CHECK((*store)->list("", "")->empty());
}

TEST_CASE("each missing right is named, and tests that need it are skipped") {
  using testing::StoreFault;
  testing::FakeBucket bucket;
  testing::FakeStore store(bucket);
  bucket.faults().fail(1, StoreFault::error(Code::Denied));
  auto rights = try_rights(store, kKey);
  CHECK(rights.list->error().code == Code::Denied);
  CHECK(went_well(rights.remove));

  bucket.faults().fail_next(2, StoreFault::error(Code::Denied));
  rights = try_rights(store, kKey);
  CHECK(rights.put->error().code == Code::Denied);
  CHECK_FALSE(rights.get);
  CHECK_FALSE(rights.create_only);
  CHECK_FALSE(rights.remove);
}

TEST_CASE("a put that was carried out without an answer leaves no object either") {
  testing::FakeBucket bucket;
  testing::FakeStore store(bucket);
  bucket.faults().fail(2, testing::StoreFault::lost_reply());
  CHECK(try_rights(store, kKey).put->error().code == Code::Unknown);
  CHECK(bucket.keys().empty());
}

TEST_CASE("a store that overwrites on a create-only put is detected") {
  class LooksBefore : public testing::FakeStore {
   public:
    using FakeStore::FakeStore;
    CreateOnly create_only() const override { return CreateOnly::LookBefore; }
  };
  testing::FakeBucket bucket;
  testing::CarelessStore careless(bucket, CreateOnly::NotKnown);
  CHECK(try_rights(careless, kKey).create_only == false);
  LooksBefore looks_before(bucket);
  CHECK(try_rights(looks_before, kKey).create_only == false);
}

TEST_CASE("changed bytes and objects that stay after removal are detected") {
  class Garbles : public testing::FakeStore {
   public:
    using FakeStore::FakeStore;
    Result<void> get(const std::string&, ByteRange, const WriteFn& sink) override {
      return sink(as_bytes("something else"));
    }
  };
  testing::FakeBucket bucket;
  Garbles garbles(bucket);
  const auto rights = try_rights(garbles, kKey);
  CHECK(rights.get->error().code == Code::Corrupt);
  CHECK(rights.remove->error().code == Code::Mismatch);
}
