#include "walwrap/replication/replica/page_sums.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

constexpr RandomId kLineage{0x1122334455667788};
constexpr Txid kLargest{(1ULL << 48) - 1};

struct Sums {
  testing::TempDir dir;
  std::filesystem::path path = dir / "pages";

  PageSums open() const {
    const auto size = std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0;
    return PageSums(os::MappedFile::open(path, size).value());
  }
  // As of TXID 9: page 1 by 7, page 2 by 4, page 3 by 5, page 4 unknown, page 5 by 9.
  void make() const {
    auto sums = open();
    REQUIRE(sums.resize(5));
    sums.set(Pgno{1}, 11, Txid{7});
    sums.set(Pgno{2}, ~0ULL, Txid{4});
    sums.set(Pgno{3}, 13, Txid{5});
    sums.set(Pgno{5}, 15, Txid{9});
    REQUIRE(sums.sync(kLineage, Txid{9}));
  }
};

TEST_CASE("different pages have different page sums, and none is zero") {
  const std::string zeros(4096, '\0');
  std::string one = zeros;
  one[4095] = 1;
  CHECK(page_sum(as_bytes(zeros)) != 0);
  CHECK(page_sum(as_bytes("")) != 0);
  CHECK(page_sum(as_bytes(zeros)) == page_sum(as_bytes(std::string(4096, '\0'))));
  CHECK(page_sum(as_bytes(zeros)) != page_sum(as_bytes(one)));
}

TEST_CASE("changing one bit of a page number, a hash or a TXID changes the check value") {
  std::mt19937_64 random{7};
  for (int i = 0; i < 2000; ++i) {
    const Pgno pgno{static_cast<std::uint32_t>(random())};
    const std::uint64_t sum = random();
    const Txid txid{random() & kLargest.value};
    const auto check = record_check(pgno, sum, txid);
    for (int bit = 0; bit < 64; ++bit) {
      const std::uint64_t flip = 1ULL << bit;
      REQUIRE(record_check(pgno, sum ^ flip, txid) != check);
      if (bit < 48) REQUIRE(record_check(pgno, sum, Txid{txid.value ^ flip}) != check);
      if (bit < 32) {
        const Pgno other{pgno.value ^ static_cast<std::uint32_t>(flip)};
        REQUIRE(record_check(other, sum, txid) != check);
      }
    }
  }
}

TEST_CASE("page sums survive a restart, and a page without a sum stays unknown") {
  const Sums sums;
  CHECK(sums.open().pages() == 0);
  CHECK(sums.open().is_readable());
  sums.make();
  auto again = sums.open();
  CHECK(again.pages() == 5);
  CHECK(again.get(Pgno{1}) == 11);
  CHECK(again.get(Pgno{2}) == ~0ULL);
  CHECK(again.stored_by(Pgno{5}) == Txid{9});
  CHECK(again.get(Pgno{4}) == 0);
  CHECK(again.stored_by(Pgno{4}) == Txid{0});
  CHECK(again.get(Pgno{6}) == 0);
  CHECK_THROWS_AS(again.set(Pgno{6}, 1, Txid{1}), Panic);
  CHECK_THROWS_AS(again.set(Pgno{0}, 1, Txid{1}), Panic);
  // A database that shrank and grew again has pages that are not known.
  REQUIRE(again.resize(4));
  REQUIRE(again.resize(5));
  CHECK(again.get(Pgno{5}) == 0);
  CHECK(again.get(Pgno{1}) == 11);
  REQUIRE(again.resize(0));
  REQUIRE(again.resize(5));
  CHECK(again.get(Pgno{1}) == 0);
  again.set(Pgno{1}, 11, kLargest);
  CHECK(again.stored_by(Pgno{1}) == kLargest);
  again.set(Pgno{1}, 11, kLargest.next());  // has no room
  CHECK(again.get(Pgno{1}) == 0);
}

TEST_CASE("pages stored after a TXID include the pages whose TXID is unknown") {
  const Sums made;
  made.make();
  const auto sums = made.open();
  const auto after = [&](std::uint64_t txid) { return sums.stored_after(Txid{txid}).next({}, 9); };
  CHECK(after(5) == std::vector{Pgno{1}, Pgno{4}, Pgno{5}});
  CHECK(after(8) == std::vector{Pgno{4}, Pgno{5}});
  CHECK(after(9) == std::vector{Pgno{4}});
  CHECK(after(3).size() == 5);
}

TEST_CASE("a flipped bit in the file never leaves a page out or changes its sum") {
  const Sums made;
  made.make();
  const std::string whole = testing::text_of(made.path);
  REQUIRE(whole.size() == 64 + 5 * 16);
  const auto right = made.open().stored_after(Txid{6});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at);
      CAPTURE(bit);
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      testing::write_text(made.path, damaged);
      const auto sums = made.open();
      if (!sums.are_of(kLineage, Txid{9})) continue;  // then all is unknown
      REQUIRE(at >= 64);
      right.for_each([&](Pgno pgno) { CHECK(sums.stored_after(Txid{6}).contains(pgno)); });
      const Pgno hit{static_cast<std::uint32_t>((at - 64) / 16 + 1)};
      CHECK(sums.get(hit) == 0);
      CHECK(sums.stored_after(Txid{~0ULL}).contains(hit));
    }
  }
}

TEST_CASE("sums of another history or format, older than the state, or truncated are ignored") {
  const Sums made;
  made.make();
  CHECK(made.open().are_of(kLineage, Txid{9}));
  CHECK(made.open().are_of(kLineage, Txid{3}));
  CHECK_FALSE(made.open().are_of(kLineage, Txid{10}));
  CHECK_FALSE(made.open().are_of(RandomId{1}, Txid{3}));
  std::filesystem::resize_file(made.path, 64 + 5 * 16 - 1);
  CHECK(made.open().pages() == 4);
  std::filesystem::resize_file(made.path, 63);
  CHECK_FALSE(made.open().is_readable());
  // As they were before there was a header: a hash and a TXID for each page, from the first byte.
  std::string old(160, '\x01');
  testing::write_text(made.path, old);
  auto sums = made.open();
  CHECK_FALSE(sums.is_readable());
  CHECK_FALSE(sums.are_of(kLineage, Txid{0}));
  CHECK(sums.pages() == 0);
  REQUIRE(sums.resize(3));
  CHECK(sums.get(Pgno{1}) == 0);
}

TEST_CASE("a record of a file that is not known as stored is ignored") {
  const Sums made;
  made.make();
  auto sums = made.open();
  sums.believe_until(Txid{6});
  CHECK(sums.get(Pgno{1}) == 0);
  CHECK(sums.get(Pgno{5}) == 0);
  CHECK(sums.get(Pgno{3}) == 13);
  REQUIRE(sums.resize(6));
  sums.set(Pgno{6}, 16, Txid{7});
  CHECK(sums.get(Pgno{6}) == 0);
  sums.believe_until(Txid{7});
  CHECK(sums.get(Pgno{1}) == 11);
  CHECK(sums.get(Pgno{5}) == 0);
}

TEST_CASE("a copy has the records, and belongs to no state until it is made durable") {
  const Sums from, to;
  from.make();
  to.make();
  auto copy = to.open();
  REQUIRE(copy.resize(9));
  REQUIRE(copy.copy_from(from.open()));
  CHECK(copy.pages() == 5);
  CHECK(copy.get(Pgno{3}) == 13);
  CHECK_FALSE(copy.are_of(kLineage, Txid{0}));
  REQUIRE(copy.sync(kLineage, Txid{5}));
  CHECK(to.open().are_of(kLineage, Txid{5}));
}

// While it exists, no file can become larger than this.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_CASE("page sums that cannot grow on a full disk keep what is known") {
  const Sums on_disk;
  on_disk.make();
  auto sums = on_disk.open();
  {
    const FullDisk disk(100);
    REQUIRE_FALSE(sums.resize(100));
  }
  CHECK(sums.pages() == 5);
  CHECK(sums.get(Pgno{3}) == 13);
  REQUIRE(sums.sync(kLineage, Txid{9}));
  REQUIRE(sums.resize(100));
  CHECK(sums.get(Pgno{3}) == 13);
}

TEST_CASE("page sums that cannot be made again on a full disk know nothing") {
  const Sums on_disk;
  on_disk.make();
  auto sums = on_disk.open();
  {
    const FullDisk disk(10);
    REQUIRE_FALSE(sums.resize(0));
    CHECK(sums.pages() == 0);
    CHECK(sums.get(Pgno{3}) == 0);
    CHECK_FALSE(sums.are_of(kLineage, Txid{0}));
    CHECK_FALSE(sums.sync(kLineage, Txid{9}));
  }
  REQUIRE(sums.resize(2));
  CHECK(sums.get(Pgno{1}) == 0);
}

}  // namespace
}  // namespace walwrap::replication
