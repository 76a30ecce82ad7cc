// Makes, takes apart and re-seals LTX files in memory.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <random>
#include <string>

#include "tests/support/test_data.hpp"
#include "walwrap/ltx/decoder.hpp"
#include "walwrap/ltx/encoder.hpp"

namespace walwrap::testing {

using PageMap = std::map<std::uint32_t, ByteVector>;

inline ltx::Header ltx_header(PageSize page_size, std::uint32_t commit, std::uint64_t first_txid,
                              std::uint64_t last_txid) {
  ltx::Header header;
  header.page_size = page_size;
  header.commit = commit;
  header.txids = {Txid{first_txid}, Txid{last_txid}};
  header.timestamp = WallTime(std::chrono::milliseconds(1767225600000));
  header.wal = {32, 24 + page_size.value, 0, 0};
  return header;
}

inline Result<ByteVector> encode_ltx(const ltx::Header& header, const PageMap& pages) {
  ByteVector file;
  const auto sink = [&file](ByteSpan bytes) -> Result<void> {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  };
  auto encoder = TRY(ltx::Encoder::start(header, sink));
  for (const auto& [pgno, page] : pages) TRY(encoder.add_page(Pgno{pgno}, page));
  const auto finished = TRY(encoder.finish());
  CHECK(finished.size == file.size());
  CHECK(finished.pages == pages.size());
  CHECK((finished.file_checksum == load_be64(ByteSpan(file).last(8))));
  return file;
}

struct DecodedLtx {
  ltx::Header header;
  ltx::Trailer trailer;
  PageMap pages;
};

// Gives the decoder at most `piece` bytes at a time.
inline Result<DecodedLtx> decode_ltx(ByteSpan file, std::size_t piece = 1U << 20) {
  std::size_t at = 0;
  const auto source = [&](MutableByteSpan out) -> Result<std::size_t> {
    const std::size_t length = std::min({piece, out.size(), file.size() - at});
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(at), length, out.begin());
    at += length;
    return length;
  };
  auto decoder = TRY(ltx::Decoder::start(source));
  DecodedLtx decoded{decoder.header(), {}, {}};
  ByteVector page(decoded.header.page_size.value);
  for (;;) {
    const auto pgno = TRY(decoder.next_page(page));
    if (!pgno) break;
    decoded.pages[pgno->value] = page;
  }
  decoded.trailer = decoder.trailer();
  return decoded;
}

// Where the parts of a well-formed file begin.
struct LtxParts {
  std::size_t end_marker = 0;
  std::size_t index = 0;
  std::size_t index_size = 0;
  std::size_t trailer = 0;
};
inline LtxParts parts_of(ByteSpan file) {
  const std::size_t index_size_at = file.size() - ltx::kTrailerBytes - 8;
  const std::size_t index_at = index_size_at - load_be64(file.subspan(index_size_at));
  return {index_at - ltx::kPageHeaderBytes, index_at, index_size_at,
          file.size() - ltx::kTrailerBytes};
}

// Corrects the file checksum after a change that leaves the page frames readable, so that a test
// reaches the rule behind the checksum. `frames_end` is where the end marker is now.
inline void reseal_ltx(ByteVector& file, std::size_t frames_end) {
  const PageSize page_size{load_be32(ByteSpan(file).subspan(8))};
  ltx::Crc64 checksum;
  checksum.update(ByteSpan(file).first(ltx::kHeaderBytes));
  ByteVector page(page_size.value);
  ByteSpan frames = ByteSpan(file).subspan(ltx::kHeaderBytes, frames_end - ltx::kHeaderBytes);
  while (!frames.empty()) {
    const auto length = ltx::measure_page_frame(frames, page_size);
    REQUIRE(length.has_value());
    REQUIRE(ltx::decode_page_frame(frames.first(*length), page, checksum).has_value());
    frames = frames.subspan(*length);
  }
  checksum.update(ByteSpan(file).subspan(frames_end, file.size() - 8 - frames_end));
  store_be64(MutableByteSpan(file).last(8), checksum.value() | ltx::kChecksumFlag);
}

// Equal bytes, text-like or random: what compresses very well, somewhat, and not at all.
inline ByteVector random_page(PageSize page_size, std::mt19937_64& random) {
  ByteVector page(page_size.value);
  switch (random() % 4) {
    case 0:
      std::fill(page.begin(), page.end(), static_cast<std::byte>(random()));
      break;
    case 1:
      for (std::byte& byte : page) byte = static_cast<std::byte>(random());
      break;
    default:
      for (std::byte& byte : page) byte = static_cast<std::byte>('a' + random() % 5);
      break;
  }
  return page;
}

// The pages of a database file, the lock page left out.
inline PageMap pages_of(ByteSpan database, PageSize page_size) {
  PageMap pages;
  for (std::uint32_t pgno = 1; pgno <= database.size() / page_size.value; ++pgno) {
    if (Pgno{pgno} == lock_page(page_size)) continue;
    const ByteSpan page =
        database.subspan(std::size_t{pgno - 1} * page_size.value, page_size.value);
    pages[pgno] = ByteVector(page.begin(), page.end());
  }
  return pages;
}

// "ltx/snapshot-f.hex" as the file it dumps.
inline ByteVector ltx_vector(const std::string& name) {
  const ByteVector hex = test_data("ltx/" + name + ".hex");
  return from_hex(as_text(hex));
}

}  // namespace walwrap::testing
