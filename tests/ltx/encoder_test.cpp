#include "walwrap/ltx/encoder.hpp"

#include <doctest/doctest.h>

#include "tests/support/ltx_files.hpp"

namespace walwrap::ltx {
namespace {

using testing::encode_ltx;
using testing::ltx_header;
using testing::ltx_vector;
using testing::PageMap;
using testing::pages_of;
using testing::test_data;

TEST_CASE("the encoder writes the format's examples byte for byte") {
  const ByteVector first = test_data("ltx/1.db");
  const ByteVector third = test_data("ltx/3.db");
  const ByteVector second = test_data("ltx/2.db");
  const auto header_of = [](const ByteVector& file) { return parse_header(file).value(); };

  const ByteVector snapshot = ltx_vector("snapshot-f");
  CHECK(encode_ltx(header_of(snapshot), pages_of(first, PageSize{512})).value() == snapshot);

  const ByteVector increment = ltx_vector("increment-f");
  const PageMap page3{{3, pages_of(second, PageSize{512}).at(3)}};
  CHECK(encode_ltx(header_of(increment), page3).value() == increment);

  const ByteVector merged = ltx_vector("merged-f");
  CHECK(encode_ltx(header_of(merged), pages_of(third, PageSize{512})).value() == merged);
}

TEST_CASE("the writer's id is in the file and covered by its checksum") {
  Header header = ltx_header(PageSize{512}, 1, 1, 1);
  const PageMap pages{{1, ByteVector(512, std::byte{1})}};
  const auto without = encode_ltx(header, pages);
  header.node = RandomId{0x0123456789abcdef};
  const auto with = encode_ltx(header, pages);
  REQUIRE(with.has_value());
  CHECK(load_be64(ByteSpan(*with).subspan(72)) == 0x0123456789abcdef);
  CHECK(load_be64(ByteSpan(*with).last(8)) != load_be64(ByteSpan(*without).last(8)));
  CHECK(testing::decode_ltx(*with)->header.node == header.node);
}

TEST_CASE("a file without pages has the smallest size") {
  const auto file = encode_ltx(ltx_header(PageSize{4096}, 7, 5, 5), {});
  REQUIRE(file.has_value());
  CHECK(file->size() == kSmallestFileBytes);
  CHECK(testing::decode_ltx(*file).has_value());
}

TEST_CASE("the same header and pages always give the same bytes") {
  std::mt19937_64 random(4);
  PageMap pages;
  for (std::uint32_t pgno = 1; pgno <= 50; ++pgno) {
    pages[pgno] = testing::random_page(PageSize{4096}, random);
  }
  const Header header = ltx_header(PageSize{4096}, 50, 1, 1);
  CHECK(encode_ltx(header, pages).value() == encode_ltx(header, pages).value());
}

TEST_CASE("the encoder refuses a header that no reader accepts") {
  const auto refused = [](Header header) {
    const auto file = encode_ltx(header, {});
    return !file.has_value() && file.error().code == Code::Invalid;
  };
  Header header = ltx_header(PageSize{4096}, 3, 2, 2);
  CHECK_FALSE(refused(header));
  header.commit = 0;
  CHECK(refused(header));
  header = ltx_header(PageSize{1000}, 3, 2, 2);
  CHECK(refused(header));
  header = ltx_header(PageSize{4096}, 3, 3, 2);
  CHECK(refused(header));
  header = ltx_header(PageSize{4096}, 3, 2, 2);
  header.wal.offset = -1;
  CHECK(refused(header));
  header = ltx_header(PageSize{4096}, 3, 1, 1);
  header.flags = 0;  // database checksums, which litestream cannot restore
  CHECK(refused(header));
}

TEST_CASE("the encoder refuses to finish a file from TXID 1 that lacks a page") {
  const ByteVector page(65536);
  for (const std::uint32_t missing : {1U, 2U, 3U}) {
    PageMap pages{{1, page}, {2, page}, {3, page}};
    pages.erase(missing);
    const auto file = encode_ltx(ltx_header(PageSize{65536}, 3, 1, 4), pages);
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().code == Code::Invalid);
    CHECK(encode_ltx(ltx_header(PageSize{65536}, 3, 2, 4), pages).has_value());
  }
}

TEST_CASE("the encoder refuses pages out of order, beyond commit or mis-sized, and the lock page") {
  constexpr PageSize kSize{65536};
  const ByteVector page(kSize.value);
  const auto sink = [](ByteSpan) -> Result<void> { return {}; };
  const Header header = ltx_header(kSize, 20000, 2, 2);
  const auto add = [&](std::initializer_list<std::uint32_t> pages, ByteSpan bytes) {
    auto encoder = Encoder::start(header, sink).value();
    for (const std::uint32_t pgno : pages) ignore(encoder.add_page(Pgno{pgno}, bytes), "it panics");
  };
  CHECK_NOTHROW(add({1, 5, 16384, 16386, 20000}, page));
  CHECK_THROWS_AS(add({0}, page), Panic);
  CHECK_THROWS_AS(add({2, 2}, page), Panic);
  CHECK_THROWS_AS(add({2, 1}, page), Panic);
  CHECK_THROWS_AS(add({20001}, page), Panic);
  CHECK_THROWS_AS(add({16385}, page), Panic);
  CHECK_THROWS_AS(add({1}, ByteSpan(page).first(512)), Panic);
}

TEST_CASE("encoding ends with the error of its sink") {
  for (int succeed = 0; succeed < 5; ++succeed) {
    int calls = 0;
    const auto sink = [&](ByteSpan) -> Result<void> {
      if (calls++ == succeed) return fail(Code::Unavailable, "disk full");
      return {};
    };
    const auto encode = [&]() -> Result<void> {
      auto encoder = TRY(Encoder::start(ltx_header(PageSize{512}, 1, 1, 1), sink));
      TRY(encoder.add_page(Pgno{1}, ByteVector(512)));
      TRY(encoder.finish());
      return {};
    };
    const auto result = encode();
    CAPTURE(succeed);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Code::Unavailable);
  }
}

}  // namespace
}  // namespace walwrap::ltx
