#include "walwrap/base/bytes.hpp"

#include <doctest/doctest.h>

using namespace walwrap;

TEST_CASE("an integer is read with the byte order in the function's name, at any alignment") {
  const ByteVector bytes{std::byte{0xff}, std::byte{0x01}, std::byte{0x82},
                         std::byte{0x03}, std::byte{0x04}, std::byte{0x05},
                         std::byte{0x06}, std::byte{0x07}, std::byte{0xf8}};
  const auto odd = ByteSpan(bytes).subspan(1);
  CHECK(load_be16(odd) == 0x0182);
  CHECK(load_be32(odd) == 0x01820304);
  CHECK(load_be64(odd) == 0x01820304050607f8);
  CHECK(load_le32(odd) == 0x04038201);
  CHECK(load_le64(odd) == 0xf807060504038201);
}

TEST_CASE("an integer is loaded as it was stored, and the bytes beside it do not change") {
  ByteVector bytes(10, std::byte{0xee});
  const auto inner = MutableByteSpan(bytes).subspan(1, 8);
  store_be64(inner, 0xfedcba9876543210);
  CHECK(load_be64(inner) == 0xfedcba9876543210);
  CHECK(bytes[1] == std::byte{0xfe});
  store_be32(inner, 0x80000001);
  CHECK(load_be32(inner) == 0x80000001);
  store_be16(inner, 0x8001);
  CHECK(load_be16(inner) == 0x8001);
  store_le32(inner, 0x80000002);
  CHECK(load_le32(inner) == 0x80000002);
  CHECK(bytes[1] == std::byte{0x02});
  CHECK(bytes.front() == std::byte{0xee});
  CHECK(bytes.back() == std::byte{0xee});
}

TEST_CASE("a span too short for its integer causes a panic instead of a read past its end") {
  ByteVector bytes(7);
  CHECK_THROWS_AS(load_be64(bytes), Panic);
  CHECK_THROWS_AS(load_le32(ByteSpan(bytes).first(3)), Panic);
  CHECK_THROWS_AS(store_be64(bytes, 1), Panic);
  CHECK_THROWS_AS(store_be16(MutableByteSpan(bytes).first(1), 1), Panic);
}

TEST_CASE("text and bytes can be viewed as each other without a copy") {
  const std::string_view text = "SQLite";
  CHECK(as_text(as_bytes(text)) == text);
  CHECK(as_bytes(text).size() == 6);
  CHECK(as_text(ByteSpan{}).empty());
}
