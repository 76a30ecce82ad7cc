#include "walwrap/wal/scanner.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "tests/support/naive_wal.hpp"
#include "tests/support/test_data.hpp"
#include "tests/support/wal_builder.hpp"

namespace walwrap::wal {
namespace {

using testing::replay_naively;
using testing::test_data;
using testing::WalBuilder;

constexpr PageSize k512{512};

Scanner started(ByteSpan log, std::optional<Position> resume = std::nullopt) {
  auto scanner = Scanner::start(log.first(kHeaderBytes), resume);
  REQUIRE(scanner.has_value());
  REQUIRE(scanner->has_value());
  return **scanner;
}

std::vector<Transaction> scan(ByteSpan log) {
  return started(log).feed(log.subspan(kHeaderBytes));
}

// What the transactions leave, in the terms of the oracle.
std::map<std::uint32_t, std::vector<std::byte>> overlay(ByteSpan log, PageSize page_size,
                                                        const std::vector<Transaction>& found) {
  std::map<std::uint32_t, std::vector<std::byte>> pages;
  for (const Transaction& transaction : found) {
    std::uint32_t frame = transaction.first_frame;
    for (const Pgno pgno : transaction.pages) {
      const ByteSpan image =
          log.subspan(frame_offset(frame++, page_size) + kFrameHeaderBytes, page_size.value);
      pages[pgno.value].assign(image.begin(), image.end());
    }
    pages.erase(pages.upper_bound(transaction.commit), pages.end());
  }
  return pages;
}

TEST_CASE("replaying a restarted WAL gives the database that SQLite made") {
  const ByteVector log = test_data("wal/restarted.db-wal");
  ByteVector database = test_data("wal/restarted.db");
  const auto found = scan(log);
  CHECK(found.size() == 2);  // of the new generation; the old one's frames lie behind
  database.resize(std::size_t{found.back().commit} * k512.value);
  for (const auto& [pgno, page] : overlay(log, k512, found)) {
    std::copy(page.begin(), page.end(), database.begin() + (pgno - 1) * k512.value);
  }
  CHECK(database == test_data("wal/restarted.after"));
}

TEST_CASE("a transaction is reported when its commit frame is complete and not before") {
  const ByteVector log =
      WalBuilder(k512, WordOrder::Little).frame(Pgno{1}, 1).frame(Pgno{2}, 2, 2).bytes();
  Scanner scanner = started(log);
  for (std::size_t at = kHeaderBytes; at + 1 < log.size(); ++at) {
    CHECK(scanner.next_offset() == at);
    REQUIRE(scanner.feed(ByteSpan(log).subspan(at, 1)).empty());
    CHECK(scanner.position().frame == 0);
  }
  const auto found = scanner.feed(ByteSpan(log).last(1));
  REQUIRE(found.size() == 1);
  CHECK(found[0].first_frame == 1);
  CHECK(found[0].pages == std::vector{Pgno{1}, Pgno{2}});
  CHECK(found[0].commit == 2);
  CHECK(scanner.position().frame == 2);
  CHECK_FALSE(scanner.ended());
}

TEST_CASE("the first frame with a foreign salt ends the WAL and is not an error") {
  WalBuilder builder(k512, WordOrder::Big);
  builder.frame(Pgno{1}, 1, 1).frame(Pgno{2}, 2, 2).frame(Pgno{3}, 3, 3);
  builder.restart(77).frame(Pgno{2}, 9, 3);
  Scanner scanner = started(builder.bytes());
  const auto found = scanner.feed(ByteSpan(builder.bytes()).subspan(kHeaderBytes));
  REQUIRE(found.size() == 1);
  CHECK(found[0].pages == std::vector{Pgno{2}});
  CHECK(scanner.ended());
  CHECK(scanner.position() == Position{builder.salts(), 1, builder.checksum()});
  CHECK(scanner.next_offset() == frame_offset(2, k512));
  CHECK(scanner.feed(builder.bytes()).empty());
}

TEST_CASE("a flipped bit in a frame ends the WAL before that frame's transaction") {
  WalBuilder builder(k512, WordOrder::Little);
  builder.frame(Pgno{1}, 1, 1).frame(Pgno{2}, 2).frame(Pgno{3}, 3, 3).frame(Pgno{1}, 4, 3);
  for (std::size_t at = frame_offset(2, k512); at < frame_offset(4, k512); ++at) {
    ByteVector bad = builder.bytes();
    bad[at] ^= std::byte{0x10};
    CAPTURE(at);
    CHECK(scan(bad).size() == 1);
  }
}

TEST_CASE("a frame for page 0 ends the WAL even under a correct checksum") {
  const ByteVector log =
      WalBuilder(k512, WordOrder::Little).frame(Pgno{1}, 1, 1).frame(Pgno{0}, 2, 2).bytes();
  CHECK(scan(log).size() == 1);
}

TEST_CASE("a scan resumes where an earlier one ended") {
  WalBuilder builder(k512, WordOrder::Little);
  builder.frame(Pgno{1}, 1).frame(Pgno{2}, 2, 2);
  const Position position{builder.salts(), 2, builder.checksum()};
  builder.frame(Pgno{3}, 3, 3).frame(Pgno{1}, 4);

  Scanner scanner = started(builder.bytes(), position);
  CHECK(scanner.position() == position);
  CHECK(scanner.next_offset() == frame_offset(3, k512));
  const auto found = scanner.feed(ByteSpan(builder.bytes()).subspan(scanner.next_offset()));
  REQUIRE(found.size() == 1);
  CHECK(found[0].first_frame == 3);
  CHECK(found[0].commit == 3);
  CHECK(scanner.position().frame == 3);  // the open transaction's frame is not part of it
}

TEST_CASE("a scan does not resume in another generation of the WAL") {
  WalBuilder builder(k512, WordOrder::Little);
  builder.frame(Pgno{1}, 1, 1);
  const Position position{builder.salts(), 1, builder.checksum()};
  builder.restart(5);
  const auto scanner = Scanner::start(ByteSpan(builder.bytes()).first(kHeaderBytes), position);
  REQUIRE_FALSE(scanner.has_value());
  CHECK(scanner.error().code == Code::Mismatch);
}

TEST_CASE("a scan that resumes with a wrong checksum finds nothing") {
  WalBuilder builder(k512, WordOrder::Little);
  builder.frame(Pgno{1}, 1, 1).frame(Pgno{2}, 2, 2);
  Scanner scanner = started(builder.bytes(), Position{builder.salts(), 1, {1, 2}});
  CHECK(scanner.feed(ByteSpan(builder.bytes()).subspan(scanner.next_offset())).empty());
  CHECK(scanner.ended());
}

TEST_CASE("an unfinished header is read again later") {
  ByteVector log = WalBuilder(k512, WordOrder::Little).bytes();
  log[20] ^= std::byte{1};
  const auto scanner = Scanner::start(log, std::nullopt);
  REQUIRE(scanner.has_value());
  CHECK_FALSE(scanner->has_value());
}

struct History {
  PageSize page_size;
  ByteVector log;
};

// Transactions of random pages and sizes, growth, shrinking, restarts, and often a torn end.
History random_history(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t limit) {
    return static_cast<std::uint32_t>(random() % limit);
  };
  const PageSize page_size{512U << below(4)};
  const WordOrder order = below(2) == 0 ? WordOrder::Little : WordOrder::Big;
  WalBuilder builder(page_size, order, {below(1U << 31), below(1U << 31)});
  std::uint32_t size = 1 + below(20);
  for (std::uint32_t left = below(30); left > 0; --left) {
    if (below(8) == 0) builder.restart(below(1U << 31));
    size = below(4) == 0 ? 1 + below(30) : size;
    for (std::uint32_t frames = below(6); frames > 0; --frames) {
      builder.frame(Pgno{1 + below(30)}, static_cast<std::uint8_t>(random()));
    }
    if (below(10) > 0)
      builder.frame(Pgno{1 + below(size)}, static_cast<std::uint8_t>(random()), size);
  }
  History history{page_size, builder.bytes()};
  switch (below(4)) {
    case 0:
      history.log.resize(kHeaderBytes + below(history.log.size() - kHeaderBytes + 1));
      break;
    case 1:
      if (history.log.size() > kHeaderBytes) {
        history.log[kHeaderBytes + below(history.log.size() - kHeaderBytes)] ^= std::byte{4};
      }
      break;
    default:
      break;
  }
  return history;
}

TEST_CASE("random histories in random pieces agree with the reference implementation") {
  const std::uint64_t base = std::random_device{}();
  for (std::uint64_t seed = base; seed < base + 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const History history = random_history(random);
    Scanner scanner = started(history.log);
    std::vector<Transaction> found;
    for (std::size_t at = kHeaderBytes; at < history.log.size();) {
      const auto chunk = std::min<std::size_t>(1 + random() % 3000, history.log.size() - at);
      for (Transaction& transaction : scanner.feed(ByteSpan(history.log).subspan(at, chunk))) {
        found.push_back(std::move(transaction));
      }
      at += chunk;
    }
    const auto naive = replay_naively(history.log);
    REQUIRE(scanner.position().frame == naive.committed_frames);
    REQUIRE((found.empty() ? 0 : found.back().commit) == naive.commit);
    REQUIRE(overlay(history.log, history.page_size, found) == naive.pages);
  }
}

}  // namespace
}  // namespace walwrap::wal
