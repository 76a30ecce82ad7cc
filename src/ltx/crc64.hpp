// The checksum of LTX files: CRC-64/GO-ISO, updatable and combinable. Pure; a value.
//
// Polynomial x^64 + x^4 + x^3 + x + 1 (ISO 3309), reflected, starting from and finally inverted
// with all ones; the CRC of nothing is 0. Source: ISO 3309; Go's hash/crc64 calls it ISO. It is
// not the ECMA-182 polynomial of XZ.
#pragma once

#include <cstdint>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::ltx {

// Every checksum stored in an LTX file has bit 63 set.
inline constexpr std::uint64_t kChecksumFlag = 0x8000000000000000ULL;

// combine() joins the checksums of adjacent pieces, so that pieces may be checked in parallel.
class Crc64 {
 public:
  void update(ByteSpan bytes);
  // Appends a piece whose own checksum and length are known.
  void combine(std::uint64_t piece_value, Bytes piece_length);
  std::uint64_t value() const { return value_; }
  Bytes length() const { return length_; }
  bool operator==(const Crc64&) const = default;

 private:
  std::uint64_t value_ = 0;
  Bytes length_ = 0;
};

// The two ways update() takes, for the test that they agree. `state` is the inverted checksum.
namespace detail {
std::uint64_t crc64_by_table(std::uint64_t state, ByteSpan bytes);
// What this machine does best; the table where it has no carry-less multiplication.
std::uint64_t crc64_fastest(std::uint64_t state, ByteSpan bytes);
}  // namespace detail

}  // namespace walwrap::ltx
