#include "walwrap/ltx/verifier.hpp"

#include <doctest/doctest.h>

#include "tests/support/ltx_files.hpp"

namespace walwrap::ltx {
namespace {

using testing::encode_ltx;
using testing::ltx_header;
using testing::PageMap;

struct Made {
  Header header;
  PageSet pages;
  ByteVector file;
};

Made made_of(PageSize page_size, const std::vector<std::uint32_t>& numbers, std::uint32_t commit,
             std::mt19937_64& random) {
  Made made;
  made.header = ltx_header(page_size, commit, 7, 7);
  PageMap contents;
  for (const std::uint32_t pgno : numbers) {
    made.pages.add(Pgno{pgno});
    contents[pgno] = testing::random_page(page_size, random);
  }
  made.file = encode_ltx(made.header, contents).value();
  return made;
}

// `piece` bytes at a time, the header first as an encoder gives it.
Result<void> verify(const Header& header, const PageSet& pages, ByteSpan file, std::size_t piece) {
  Verifier verifier(header, pages);
  const std::size_t first = std::min<std::size_t>(file.size(), kHeaderBytes);
  TRY(verifier.feed(file.first(first)));
  for (ByteSpan rest = file.subspan(first); !rest.empty();) {
    const std::size_t length = std::min(piece, rest.size());
    TRY(verifier.feed(rest.first(length)));
    rest = rest.subspan(length);
  }
  return verifier.finish();
}

TEST_CASE("the verifier accepts every encoded file, in pieces of any size") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (std::uint32_t size = 512; size <= 65536; size *= 2) {
    const Made made = made_of(PageSize{size}, {1, 2, 5, 30}, 30, random);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{700}, std::size_t{1} << 20}) {
      CAPTURE(piece);
      CHECK(verify(made.header, made.pages, made.file, piece).has_value());
    }
  }
}

TEST_CASE("the verifier accepts an index longer than any buffer") {
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> numbers(30'000);
  for (std::uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = i + 1;
  const Made made = made_of(PageSize{512}, numbers, 30'000, random);
  REQUIRE(testing::parts_of(made.file).index_size - testing::parts_of(made.file).index > 200'000);
  CHECK(verify(made.header, made.pages, made.file, 40'000).has_value());
}

TEST_CASE("the verifier detects every cut and every flipped bit that changes a page") {
  std::mt19937_64 random(2);
  const Made made = made_of(PageSize{512}, {1, 2, 4}, 4, random);
  for (std::size_t length = 0; length < made.file.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(verify(made.header, made.pages, ByteSpan(made.file).first(length), 100));
  }
  const auto good = testing::decode_ltx(made.file);
  for (std::size_t bit = 0; bit < made.file.size() * 8; ++bit) {
    ByteVector bad = made.file;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    if (!verify(made.header, made.pages, bad, 100)) continue;
    // LZ4 data may say the same in two ways; then nothing was lost.
    CAPTURE(bit);
    CHECK(testing::decode_ltx(bad)->pages == good->pages);
  }
  ByteVector longer = made.file;
  longer.push_back(std::byte{0});
  CHECK_FALSE(verify(made.header, made.pages, longer, 100));
}

TEST_CASE("the verifier refuses a valid file that has other pages or another header") {
  std::mt19937_64 random(3);
  const Made made = made_of(PageSize{512}, {1, 2, 4}, 4, random);
  struct Row {
    const char* what;
    std::vector<std::uint32_t> pages;
    std::uint64_t txid;
    bool is_verified;
  };
  const std::vector<Row> rows = {
      {"itself", {1, 2, 4}, 7, true},           {"with a page more", {1, 2, 3, 4}, 7, false},
      {"with a page less", {1, 4}, 7, false},   {"with another page", {1, 2, 3}, 7, false},
      {"of another TXID", {1, 2, 4}, 8, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    PageSet pages;
    for (const std::uint32_t pgno : row.pages) pages.add(Pgno{pgno});
    const Header header = ltx_header(PageSize{512}, 4, row.txid, row.txid);
    const auto verified = verify(header, pages, made.file, 100);
    CHECK(verified.has_value() == row.is_verified);
    if (!verified) CHECK(verified.error().code == Code::Corrupt);
  }
}

}  // namespace
}  // namespace walwrap::ltx
