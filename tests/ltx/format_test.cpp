#include "walwrap/ltx/format.hpp"

#include <doctest/doctest.h>

#include "tests/support/ltx_files.hpp"

namespace walwrap::ltx {
namespace {

using testing::ltx_header;
using testing::ltx_vector;
using testing::parts_of;

TEST_CASE("parsing and formatting a header gives the same bytes") {
  for (const char* name : {"snapshot-f", "snapshot-b", "increment-f", "growth-b", "merged-f"}) {
    CAPTURE(name);
    const ByteVector file = ltx_vector(name);
    const auto header = parse_header(file);
    REQUIRE(header.has_value());
    const auto again = format_header(*header);
    CHECK(std::equal(again.begin(), again.end(), file.begin()));
  }
  const auto growth = parse_header(ltx_vector("growth-b"));
  CHECK(growth->page_size == PageSize{512});
  CHECK(growth->commit == 4);
  CHECK(growth->txids == TxidRange{Txid{3}, Txid{3}});
  CHECK(format_rfc3339(growth->timestamp) == "2026-01-01T00:00:02.500Z");
  CHECK(growth->wal == WalOrigin{568, 1608, 0x2a66e05d, 0x71e2c264});
}

TEST_CASE("the writer's id and the reserved bytes survive in the header") {
  Header header = ltx_header(PageSize{65536}, 9, 2, 3);
  header.node = RandomId{0xfedcba9876543210};
  header.reserved.front() = std::byte{0x01};
  header.reserved.back() = std::byte{0x80};
  const auto parsed = parse_header(format_header(header));
  REQUIRE(parsed.has_value());
  CHECK(*parsed == header);
}

TEST_CASE("each rule of the header is enforced") {
  struct Row {
    const char* rule;
    void (*breaks)(Header&);
  };
  const Row rows[] = {
      {"unknown flag", [](Header& h) { h.flags |= 0x10; }},
      {"page size 0", [](Header& h) { h.page_size.value = 0; }},
      {"page size 256", [](Header& h) { h.page_size.value = 256; }},
      {"page size 4097", [](Header& h) { h.page_size.value = 4097; }},
      {"page size 131072", [](Header& h) { h.page_size.value = 131072; }},
      {"first TXID 0", [](Header& h) { h.txids.first.value = 0; }},
      {"last TXID 0",
       [](Header& h) {
         h.txids = {Txid{0}, Txid{0}};
       }},
      {"TXIDs reversed",
       [](Header& h) {
         h.txids = {Txid{9}, Txid{8}};
       }},
      {"negative offset", [](Header& h) { h.wal.offset = -1; }},
      {"negative size", [](Header& h) { h.wal.size = -1; }},
      {"size without offset",
       [](Header& h) {
         h.wal = {0, 1, 0, 0};
       }},
      {"first salt without offset",
       [](Header& h) {
         h.wal = {0, 0, 1, 0};
       }},
      {"second salt without offset",
       [](Header& h) {
         h.wal = {0, 0, 0, 1};
       }},
      {"checksum before TXID 1",
       [](Header& h) {
         h.flags = 0;
         h.txids.first.value = 1;
         h.pre_apply_checksum = kChecksumFlag;
       }},
      {"checksum against the flag", [](Header& h) { h.pre_apply_checksum = kChecksumFlag; }},
      {"no checksum against the flag", [](Header& h) { h.flags = 0; }},
      {"checksum without bit 63",
       [](Header& h) {
         h.flags = 0;
         h.pre_apply_checksum = 1;
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rule);
    Header header = ltx_header(PageSize{4096}, 10, 5, 9);
    REQUIRE(parse_header(format_header(header)).has_value());
    row.breaks(header);
    const auto parsed = parse_header(format_header(header));
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::Corrupt);
  }
}

TEST_CASE("other versions of the format are unsupported, and other files are corrupt") {
  struct Row {
    std::size_t byte;
    unsigned value;
    Code code;
  };
  for (const Row& row : {Row{3, '4', Code::Unsupported}, Row{7, 0x01, Code::Unsupported},
                         Row{7, 0x06, Code::Unsupported}, Row{0, 'S', Code::Corrupt}}) {
    ByteVector file = ltx_vector("snapshot-f");
    file[row.byte] = static_cast<std::byte>(row.value);
    const auto header = parse_header(file);
    REQUIRE_FALSE(header.has_value());
    CHECK(header.error().code == row.code);
  }
}

TEST_CASE("a trailer carries a database checksum exactly when the header says so") {
  Header plain = ltx_header(PageSize{512}, 3, 1, 1);
  Header tracked = plain;
  tracked.flags = 0;
  Header emptied = tracked;
  emptied.commit = 0;
  struct Row {
    const Header& header;
    Trailer trailer;
    bool good;
  };
  const std::uint64_t sum = kChecksumFlag | 5;
  for (const Row& row :
       {Row{plain, {0, sum}, true}, Row{plain, {sum, sum}, false}, Row{plain, {0, 5}, false},
        Row{tracked, {sum, sum}, true}, Row{tracked, {0, sum}, false},
        Row{tracked, {5, sum}, false}, Row{emptied, {kChecksumFlag, sum}, true},
        Row{emptied, {sum, sum}, false}}) {
    const auto parsed = parse_trailer(format_trailer(row.trailer), row.header);
    CAPTURE(row.header.flags);
    CAPTURE(row.trailer.post_apply_checksum);
    REQUIRE(parsed.has_value() == row.good);
    if (row.good) CHECK(*parsed == row.trailer);
  }
}

TEST_CASE("a full image holds every page except the lock page") {
  CHECK(full_image_pages(1, PageSize{4096}) == 1);
  CHECK(full_image_pages(262144, PageSize{4096}) == 262144);
  CHECK(full_image_pages(262145, PageSize{4096}) == 262144);
  CHECK(full_image_pages(262146, PageSize{4096}) == 262145);
}

TEST_CASE("the pages of a file ascend within commit, without the lock page") {
  constexpr std::uint32_t kLock = 16385;  // of 65536-byte pages
  struct Row {
    std::uint32_t commit;
    std::uint64_t first_txid;
    std::vector<std::uint32_t> pages;  // after pages 1 to `from`
    std::uint32_t from;
    bool good;
  };
  const Row rows[] = {
      {3, 1, {}, 3, true},
      {3, 1, {}, 2, false},
      {3, 1, {2, 3}, 0, false},
      {3, 1, {3}, 1, false},
      {3, 2, {3}, 1, true},
      {3, 2, {}, 0, true},
      {3, 2, {4}, 0, false},
      {3, 2, {2, 2}, 0, false},
      {3, 2, {3, 2}, 0, false},
      {3, 2, {0}, 0, false},
      {kLock, 1, {}, kLock - 1, true},
      {kLock + 1, 1, {kLock + 1}, kLock - 1, true},
      {kLock + 1, 1, {}, kLock - 1, false},
      {kLock + 1, 1, {kLock}, kLock - 1, false},
      {kLock + 1, 2, {kLock}, 0, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.commit);
    CAPTURE(row.from);
    PageOrder order(ltx_header(PageSize{65536}, row.commit, row.first_txid, 5));
    bool good = true;
    for (std::uint32_t pgno = 1; pgno <= row.from; ++pgno) REQUIRE(order.add(Pgno{pgno}));
    for (const std::uint32_t pgno : row.pages) good = good && order.add(Pgno{pgno}).has_value();
    good = good && order.finish().has_value();
    CHECK(good == row.good);
  }
}

Result<std::vector<IndexEntry>> parse_index(const Header& header, ByteSpan index,
                                            std::size_t piece = 1000) {
  IndexParser parser(header);
  std::vector<IndexEntry> entries;
  for (; !index.empty(); index = index.subspan(std::min(piece, index.size()))) {
    TRY(parser.feed(index.first(std::min(piece, index.size())), entries));
  }
  if (!parser.ended()) return fail(Code::Corrupt, "does not end");
  return entries;
}

TEST_CASE("the page index is parsed in pieces of any size") {
  const ByteVector file = ltx_vector("merged-f");
  const auto header = parse_header(file);
  const auto parts = parts_of(file);
  const ByteSpan index = ByteSpan(file).subspan(parts.index, parts.index_size - parts.index);
  for (const std::size_t piece : {1UL, 2UL, 5UL, 100UL}) {
    const auto entries = parse_index(*header, index, piece);
    REQUIRE(entries.has_value());
    CHECK(*entries ==
          std::vector<IndexEntry>{
              {Pgno{1}, 100, 149}, {Pgno{2}, 249, 71}, {Pgno{3}, 320, 47}, {Pgno{4}, 367, 41}});
  }
  IndexParser parser(*header);
  std::vector<IndexEntry> entries;
  REQUIRE(parser.feed(index, entries).has_value());
  CHECK(parser.frames_end() == parts.end_marker);
  CHECK_FALSE(parser.feed(ByteVector(1), entries).has_value());
}

TEST_CASE("a page index that breaks a rule is corrupt") {
  struct Row {
    const char* what;
    const char* hex;
    std::uint64_t first_txid;
    bool good;
  };
  const Row rows[] = {
      {"no pages", "00", 2, true},
      {"two pages", "01640b 036f0b 00", 2, true},
      {"no end", "01640b 036f0b", 2, false},
      {"ends in a number", "01640b 03ef", 2, false},
      {"lacks a page from TXID 1", "01640b 036f0b 00", 1, false},
      {"no pages from TXID 1", "00", 1, false},
      {"does not begin behind the header", "01650b 00", 2, false},
      {"leaves bytes between frames", "01640b 03700b 00", 2, false},
      {"lets frames overlap", "01640b 036e0b 00", 2, false},
      {"pages not ascending", "03640b 036f0b 00", 2, false},
      {"page beyond commit", "05640b 00", 2, false},
      {"page number beyond 32 bits", "8180808010640b 00", 2, false},
      {"frame of only a header", "016406 00", 2, false},
      {"frame larger than any", "0164808001 00", 2, false},
      {"number longer than needed", "8100640b 00", 2, false},
      {"number beyond 64 bits", "01ffffffffffffffffff020b 00", 2, false},
      {"number that never ends", "01ffffffffffffffffffffffffff010b 00", 2, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Header header = ltx_header(PageSize{512}, 4, row.first_txid, 9);
    CHECK(parse_index(header, testing::from_hex(row.hex)).has_value() == row.good);
    CHECK(parse_index(header, testing::from_hex(row.hex), 1).has_value() == row.good);
  }
}

}  // namespace
}  // namespace walwrap::ltx
