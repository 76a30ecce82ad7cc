#include "walwrap/replication/restore_pages.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/support/replica_files.hpp"

namespace walwrap::replication {
namespace {

using testing::ReplicaFiles;

TEST_CASE("a file of many pages is decoded by several threads to the same bytes") {
  ReplicaFiles replica;
  std::vector<std::uint32_t> all(3000);
  std::iota(all.begin(), all.end(), 1U);
  replica.add(3000, all);
  replica.add(3001, {7, 2999, 3001});
  auto file = os::File::open(replica.directory / "out", os::File::Open::CreateNew).value();
  const auto restored = restore_pages(replica.request(), file);
  REQUIRE_MESSAGE(restored.has_value(), restored.error().text);
  CHECK(restored->pages == 3001);
  CHECK(os::read_file(replica.directory / "out", 1U << 30).value() == replica.expected);
}

TEST_CASE("a chain whose page size changes is corrupt") {
  ReplicaFiles replica;
  replica.add(2, {1, 2});
  replica.page_size = PageSize{8192};
  replica.add(2, {1});
  auto file = os::File::open(replica.directory / "out", os::File::Open::CreateNew).value();
  CHECK(restore_pages(replica.request(), file).error().code == Code::Corrupt);
}

}  // namespace
}  // namespace walwrap::replication
