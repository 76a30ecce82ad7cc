#include "walwrap/wal/index.hpp"

#include <doctest/doctest.h>

#include "tests/support/naive_wal.hpp"
#include "tests/support/test_data.hpp"

namespace walwrap::wal {
namespace {

using testing::test_data;

std::optional<IndexHeader> parse(const ByteVector& shm) {
  return parse_index_header(ByteSpan(shm).first(kIndexCopyBytes),
                            ByteSpan(shm).subspan(kIndexCopyBytes, kIndexCopyBytes));
}

TEST_CASE("SQLite's wal-index agrees with its WAL") {
  for (const std::string name : {"wal/restarted.db", "wal/big.db"}) {
    CAPTURE(name);
    const ByteVector log = test_data(name + "-wal");
    const auto index = parse(test_data(name + "-shm"));
    REQUIRE(index.has_value());
    const auto naive = testing::replay_naively(log);
    const Header header = *parse_header(log).value();
    CHECK(index->max_frame == naive.committed_frames);
    CHECK(index->pages == naive.commit);
    CHECK(index->page_size == header.page_size);
    CHECK(index->salts == header.salts);
    const auto last =
        parse_frame_header(ByteSpan(log).subspan(frame_offset(index->max_frame, header.page_size)));
    CHECK(index->frame_checksum == last.checksum);
    CHECK(index->change == (name == "wal/big.db" ? 1 : 15));  // commits, see make.py
  }
}

TEST_CASE("the checkpoint fields follow the two copies of the header") {
  ByteVector shm = test_data("wal/restarted.db-shm");
  const auto info = parse_checkpoint_info(ByteSpan(shm).subspan(2 * kIndexCopyBytes));
  CHECK(info.backfilled == 0);  // SQLite restarted this log and has not checkpointed it again
  CHECK(info.read_marks[0] == 0);
  CHECK(info.read_marks[4] == kReadMarkUnused);

  shm[2 * kIndexCopyBytes] = std::byte{7};       // nBackfill
  shm[2 * kIndexCopyBytes + 16] = std::byte{9};  // the fourth mark
  shm[2 * kIndexCopyBytes + 17] = std::byte{0};
  shm[2 * kIndexCopyBytes + 18] = std::byte{0};
  shm[2 * kIndexCopyBytes + 19] = std::byte{0};
  const auto changed = parse_checkpoint_info(ByteSpan(shm).subspan(2 * kIndexCopyBytes));
  CHECK(changed.backfilled == 7);
  CHECK(changed.read_marks[3] == 9);
  CHECK(changed.attempted == 0);
  shm[kFirstLockByte + 8] = std::byte{5};  // nBackfillAttempted follows the lock bytes
  CHECK(parse_checkpoint_info(ByteSpan(shm).subspan(2 * kIndexCopyBytes)).attempted == 5);
}

TEST_CASE("an index header with a wrong bit in one copy or both is being published") {
  const ByteVector good = test_data("wal/restarted.db-shm");
  REQUIRE(parse(good).has_value());
  for (std::size_t bit = 0; bit < kIndexCopyBytes * 8; ++bit) {
    CAPTURE(bit);
    const auto flip = static_cast<std::byte>(1U << (bit % 8));
    ByteVector bad = good;
    bad[bit / 8] ^= flip;
    CHECK_FALSE(parse(bad).has_value());
    bad[kIndexCopyBytes + bit / 8] ^= flip;
    CHECK_FALSE(parse(bad).has_value());
  }
}

TEST_CASE("an index header without the database size is valid and otherwise equal") {
  ByteVector shm = test_data("wal/restarted.db-shm");
  const auto before = parse(shm).value();
  REQUIRE(before.pages > 0);
  const auto copy = without_size(shm);
  std::copy(copy.begin(), copy.end(), shm.begin());
  std::copy(copy.begin(), copy.end(), shm.begin() + kIndexCopyBytes);
  const auto after = parse(shm).value();
  CHECK(after.pages == 0);
  CHECK(after.max_frame == before.max_frame);
  CHECK(after.salts == before.salts);
  CHECK(after.page_size == before.page_size);
}

TEST_CASE("an uninitialised wal-index is refused") {
  CHECK_FALSE(parse(ByteVector(kIndexHeaderBytes)).has_value());
}

}  // namespace
}  // namespace walwrap::wal
