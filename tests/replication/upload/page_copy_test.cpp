#include "walwrap/replication/upload/page_copy.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

constexpr PageSize kSize{512};

ByteVector page_of(int value) {
  return ByteVector(kSize.value, std::byte(value));
}

TEST_CASE("a copied page has its last content, and the copy's file has no name") {
  const testing::TempDir directory;
  auto copy = PageCopy::create(directory.path(), kSize).value();
  CHECK(std::filesystem::is_empty(directory.path()));
  REQUIRE(copy.put(Pgno{7}, page_of(1)));
  REQUIRE(copy.put(Pgno{2}, page_of(2)));
  REQUIRE(copy.put(Pgno{7}, page_of(3)));
  CHECK(copy.pages().size() == 2);
  ByteVector page(kSize.value);
  REQUIRE(copy.get(Pgno{7}, page));
  CHECK(page == page_of(3));
  REQUIRE(copy.get(Pgno{2}, page));
  CHECK(page == page_of(2));
}

TEST_CASE("a copy of a page that has changed since then is discarded") {
  const testing::TempDir directory;
  auto copy = PageCopy::create(directory.path(), kSize).value();
  for (std::uint32_t pgno = 1; pgno <= 10; ++pgno) REQUIRE(copy.put(Pgno{pgno}, page_of(1)));
  copy.forget(PageSet::range(Pgno{3}, Pgno{4}), Pgno{5});
  auto left = PageSet::range(Pgno{1}, Pgno{2});
  left.add(Pgno{5});
  CHECK(copy.pages() == left);
}

}  // namespace
}  // namespace walwrap::replication
