#include "walwrap/replication/replica/stored_file.hpp"

#include <doctest/doctest.h>

#include "tests/support/replica_files.hpp"

namespace walwrap::replication {
namespace {

using testing::ReplicaFiles;

PageSums new_sums(const ReplicaFiles& replica) {
  return PageSums(os::MappedFile::open(replica.directory / "sums", 0).value());
}

TEST_CASE("the header of a stored file gives its TXIDs and its number of pages") {
  ReplicaFiles replica;
  replica.add(3, {1, 2, 3});
  const auto store = replica.store();
  const auto header = read_header(*store, ReplicaFiles::key(1));
  REQUIRE(header.has_value());
  CHECK(header->txids.last == Txid{1});
  CHECK(header->commit == 3);
  CHECK(read_header(*store, ReplicaFiles::key(2)).error().code == Code::NotFound);
}

TEST_CASE("page sums follow a chain of stored files through growth and shrinking") {
  ReplicaFiles replica;
  replica.add(5, {1, 2, 3, 4, 5});
  replica.add(2, {2});
  PageSums sums = new_sums(replica);
  const auto store = replica.store();
  const auto applied =
      apply_to_sums(*store, KeyStyle::Directory, replica.request().plan.files, sums);
  REQUIRE(applied.has_value());
  CHECK(applied->pages == 2);
  CHECK(sums.pages() == 2);
  CHECK(sums.stored_by(Pgno{1}) == Txid{1});
  CHECK(sums.stored_by(Pgno{2}) == Txid{2});
}

TEST_CASE("page sums do not follow a chain with a gap") {
  ReplicaFiles replica;
  replica.add(1, {1});
  replica.add(1, {1});
  replica.add(1, {1});
  auto files = replica.request().plan.files;
  files.erase(files.begin() + 1);
  PageSums sums = new_sums(replica);
  const auto store = replica.store();
  const auto applied = apply_to_sums(*store, KeyStyle::Directory, files, sums);
  REQUIRE_FALSE(applied.has_value());
  CHECK(applied.error().code == Code::Corrupt);
  CHECK(applied.error().text.find("gap") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::replication
