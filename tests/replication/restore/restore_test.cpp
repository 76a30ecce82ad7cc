#include "walwrap/replication/restore/restore.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/fake_store.hpp"
#include "tests/support/replica_files.hpp"

namespace walwrap::replication {
namespace {

using testing::ReplicaFiles;

ByteVector content(const os::Path& path) {
  return os::read_file(path, 1U << 30).value();
}
bool is_alone(const ReplicaFiles& replica) {
  for (const auto& entry : std::filesystem::directory_iterator(replica.directory.path())) {
    if (entry.path().filename() != "replica") return false;
  }
  return true;
}

TEST_CASE("a chain with growth and shrinking restores to its last state, in every page size") {
  for (const std::uint32_t size : {512U, 4096U, 65536U}) {
    CAPTURE(size);
    ReplicaFiles replica;
    replica.page_size = PageSize{size};
    replica.add(3, {1, 2, 3});
    replica.add(5, {1, 4, 5});
    replica.add(2, {2});
    replica.add(4, {1, 3, 4});
    const auto restored = restore_database(replica.request());
    REQUIRE_MESSAGE(restored.has_value(), restored.error().text);
    CHECK(restored->txid == Txid{4});
    CHECK(restored->pages == 4);
    CHECK(content(replica.directory / "app.db") == replica.expected);
  }
}

TEST_CASE("a damaged file is named in the error, and no output is left") {
  ReplicaFiles replica;
  replica.add(2, {1, 2});
  replica.add(2, {1});
  const auto path = replica.directory / "replica" / ReplicaFiles::key(2);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-3, std::ios::end);
  file.write("x", 1);
  file.close();
  const auto restored = restore_database(replica.request());
  REQUIRE_FALSE(restored.has_value());
  CHECK(restored.error().code == Code::Corrupt);
  CHECK(restored.error().text.find(ReplicaFiles::key(2)) != std::string::npos);
  CHECK(is_alone(replica));
}

TEST_CASE("a file that was removed after planning causes a new plan") {
  ReplicaFiles replica;
  replica.add(2, {1, 2});
  replica.add(2, {1});
  const auto request = replica.request();
  REQUIRE(replica.store()->remove(ReplicaFiles::key(2)).has_value());
  CHECK(restore_database(request).error().code == Code::NotFound);
  CHECK(is_alone(replica));
}

TEST_CASE("an existing output is never overwritten") {
  ReplicaFiles replica;
  replica.add(1, {1});
  std::ofstream(replica.directory / "app.db") << "mine";
  CHECK(restore_database(replica.request()).error().code == Code::Exists);
  CHECK(as_text(content(replica.directory / "app.db")) == "mine");
}

TEST_CASE("a restore that is interrupted leaves nothing") {
  ReplicaFiles replica;
  replica.add(2, {1, 2});
  auto request = replica.request();
  request.cancelled = [] { return true; };
  CHECK(restore_database(request).error().code == Code::Cancelled);
  CHECK(is_alone(replica));
}

TEST_CASE("a restored file that fails SQLite's own check is not published") {
  ReplicaFiles replica;
  replica.add(2, {1, 2});  // random bytes are no database
  auto request = replica.request();
  request.integrity = Integrity::Quick;
  CHECK(restore_database(request).error().code == Code::Corrupt);
  CHECK(is_alone(replica));
}

TEST_CASE("the page sums of a restore equal its pages' sums, and sums made without a restore") {
  ReplicaFiles replica;
  replica.add(3, {1, 2, 3});
  replica.add(4, {2, 4});
  auto request = replica.request();
  PageSums sums(os::MappedFile::open(replica.directory / "sums", 0).value());
  request.sums = &sums;
  REQUIRE(restore_database(request).has_value());
  PageSums applied(os::MappedFile::open(replica.directory / "applied", 0).value());
  auto store = replica.store();
  REQUIRE(apply_to_sums(*store, KeyStyle::Directory, request.plan.files, applied)->pages == 4);
  for (std::uint32_t pgno = 1; pgno <= 4; ++pgno) {
    const auto page = ByteSpan(replica.expected).subspan(std::size_t{pgno - 1} * 4096, 4096);
    CHECK(sums.get(Pgno{pgno}) == page_sum(page));
    CHECK(applied.get(Pgno{pgno}) == page_sum(page));
    const Txid newest{pgno == 2 || pgno == 4 ? 2U : 1U};  // that has the page
    CHECK(sums.stored_by(Pgno{pgno}) == newest);
    CHECK(applied.stored_by(Pgno{pgno}) == newest);
  }
}

}  // namespace
}  // namespace walwrap::replication
