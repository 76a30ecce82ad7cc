#include "walwrap/ltx/crc64.hpp"

#include <doctest/doctest.h>

#include <random>

namespace walwrap::ltx {
namespace {

std::uint64_t crc_of(ByteSpan bytes) {
  Crc64 crc;
  crc.update(bytes);
  return crc.value();
}

ByteVector counting(std::size_t length) {
  ByteVector bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

// By the definition, a bit at a time.
std::uint64_t crc_by_bits(ByteSpan bytes) {
  std::uint64_t state = ~std::uint64_t{0};
  for (const std::byte byte : bytes) {
    state ^= std::to_integer<std::uint64_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1) ^ ((state & 1) != 0 ? 0xd800000000000000ULL : 0);
    }
  }
  return ~state;
}

TEST_CASE("the checksum is CRC-64/GO-ISO") {
  CHECK(crc_of(as_bytes("123456789")) == 0xb90956c775a41001);
  CHECK(crc_of({}) == 0);
  CHECK(crc_of(counting(1)) == 0x6f90000000000000);
  CHECK(crc_of(counting(256)) == 0x89f7eaa7b75c07dd);
}

TEST_CASE("every implementation of the checksum agrees, at every length and alignment") {
  const ByteVector bytes = counting(700);
  for (std::size_t begin = 0; begin < 17; ++begin) {
    for (std::size_t length = 0; length + begin <= 400; ++length) {
      const ByteSpan piece = ByteSpan(bytes).subspan(begin, length);
      const std::uint64_t expected = crc_by_bits(piece);
      REQUIRE(~detail::crc64_by_table(~std::uint64_t{0}, piece) == expected);
      REQUIRE(~detail::crc64_fastest(~std::uint64_t{0}, piece) == expected);
    }
  }
}

TEST_CASE("a checksum of updated or combined pieces is that of the whole") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100; ++round) {
    ByteVector bytes(random() % 5000);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    Crc64 updated;
    Crc64 combined;
    for (ByteSpan left = bytes; !left.empty();) {
      const ByteSpan piece = left.first(std::min<std::size_t>(1 + random() % 900, left.size()));
      left = left.subspan(piece.size());
      updated.update(piece);
      combined.combine(crc_of(piece), piece.size());
    }
    REQUIRE(updated.value() == crc_of(bytes));
    REQUIRE(combined == updated);
    REQUIRE(combined.length() == bytes.size());
  }
}

TEST_CASE("combining with an empty piece changes nothing") {
  Crc64 crc;
  crc.update(as_bytes("walwrap"));
  const Crc64 before = crc;
  crc.combine(0, 0);
  CHECK(crc == before);
  Crc64 empty;
  empty.combine(before.value(), before.length());
  CHECK(empty == before);
}

}  // namespace
}  // namespace walwrap::ltx
