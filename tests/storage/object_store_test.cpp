#include "walwrap/storage/object_store.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::storage {
namespace {

TEST_CASE("an object is read completely, but never past the given limit") {
  const testing::TempDir directory;
  const auto store = FileStore::open(directory / "replica", Access::Create).value();
  REQUIRE(store->put("a", body_of(as_bytes("0123456789")), {}).has_value());
  const auto whole = get_all(*store, "a", 10);
  REQUIRE(whole.has_value());
  CHECK(as_text(*whole) == "0123456789");
  CHECK(get_all(*store, "a", 9).error().code == Code::Invalid);
  CHECK(get_all(*store, "b", 9).error().code == Code::NotFound);
}

TEST_CASE("a body gives the same bytes each time it is read") {
  const Body body = body_of(as_bytes("abc"));
  for (int i = 0; i < 2; ++i) {
    std::string got;
    REQUIRE(body([&](ByteSpan bytes) -> Result<void> {
              got += as_text(bytes);
              return {};
            }).has_value());
    CHECK(got == "abc");
  }
}

}  // namespace
}  // namespace walwrap::storage
