#include "walwrap/replication/restore/restore_pages.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <numeric>

#include "tests/support/replica_files.hpp"

namespace walwrap::replication {
namespace {

using testing::ReplicaFiles;

TEST_CASE("several threads decode a file of many pages to the same bytes") {
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

TEST_CASE("a size that the stored files cannot hold is refused before space is reserved") {
  ReplicaFiles replica;
  replica.add(2, {1, 2});
  const auto lie = [&](std::uint32_t commit) {
    const auto header = testing::ltx_header(PageSize{4096}, commit, 2, 2);
    const auto file = testing::encode_ltx(header, {{1, ByteVector(4096)}}).value();
    const auto key = ReplicaFiles::key(2);
    ignore(replica.store()->remove(key), "of the row before");
    REQUIRE(replica.store()->put(key, storage::body_of(file), {}).has_value());
    auto request = replica.request();
    PageSums sums(os::MappedFile::open(replica.directory / "sums", 0).value());
    request.sums = &sums;
    ignore(os::remove_file(replica.directory / "out"), "of the row before");
    auto out = os::File::open(replica.directory / "out", os::File::Open::CreateNew).value();
    const auto restored = restore_pages(request, out);
    REQUIRE_FALSE(restored.has_value());
    CHECK(restored.error().code == Code::Corrupt);
    struct stat found {};
    REQUIRE(::fstat(out.descriptor(), &found) == 0);
    CHECK(static_cast<Bytes>(found.st_blocks) * 512 <= (Bytes{16} << 20));
    return restored.error().text;
  };
  CHECK(lie(14'000'000).find("hold") != std::string::npos);  // 57 GB
  CHECK(lie(~0U).find("hold") != std::string::npos);
  CHECK(lie(50).find("no file up to") != std::string::npos);  // that many they could hold
}

TEST_CASE("page sums refuse a size that the stored files cannot explain") {
  ReplicaFiles replica;
  replica.add(3, {1, 2, 3});
  const auto file = testing::encode_ltx(testing::ltx_header(PageSize{4096}, 14'000'000, 2, 2),
                                        {{1, ByteVector(4096)}})
                        .value();
  REQUIRE(replica.store()->put(ReplicaFiles::key(2), storage::body_of(file), {}).has_value());
  const auto files = replica.request().plan.files;
  auto store = replica.store();
  PageSums sums(os::MappedFile::open(replica.directory / "sums", 0).value());
  const auto applied = apply_to_sums(*store, KeyStyle::Directory, files, sums);
  REQUIRE_FALSE(applied.has_value());
  CHECK(applied.error().code == Code::Corrupt);
  CHECK(sums.pages() == 3);
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
