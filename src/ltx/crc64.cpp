#include "walwrap/ltx/crc64.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace walwrap::ltx {
namespace {

constexpr std::uint64_t kPolynomial = 0xd800000000000000ULL;  // reflected: bit 63 is x^0

// Polynomials of degree < 64 as the checksum holds them, reflected.
constexpr std::uint64_t times_x(std::uint64_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
}
constexpr std::uint64_t multiply(std::uint64_t left, std::uint64_t right) {
  std::uint64_t product = 0;
  for (; left != 0; left <<= 1) {
    if ((left >> 63) != 0) product ^= right;
    right = times_x(right);
  }
  return product;
}
constexpr std::uint64_t x_to_the(std::uint64_t exponent) {
  std::uint64_t result = 1ULL << 63;
  for (std::uint64_t power = 1ULL << 62; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = multiply(result, power);
    power = multiply(power, power);
  }
  return result;
}

// tables[k][b]: what byte b does to the state when k more bytes follow it.
constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;
constexpr Tables make_tables() {
  Tables tables{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = times_x(value);
    tables[0][byte] = value;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][before & 0xff] ^ (before >> 8);
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint64_t load_le64_at(const std::byte* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

// The state after eight bytes, `value`, that `following` more follow. Written out, because g++
// does not unroll it at -O2 and then runs at a third of the speed.
std::uint64_t slice8(std::uint64_t value, std::size_t following) {
  const auto byte = [value](unsigned i) { return (value >> (8 * i)) & 0xff; };
  const auto* const tables = &kTables[following];
  return tables[7][byte(0)] ^ tables[6][byte(1)] ^ tables[5][byte(2)] ^ tables[4][byte(3)] ^
         tables[3][byte(4)] ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^ tables[0][byte(7)];
}

#if defined(__x86_64__)

// Folding, after Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ"
// (Intel, 2009). A lane of 16 bytes is a polynomial of degree < 128, earlier bytes higher. Moving
// it over `bits` of message multiplies its upper half (the register's lower) by x^(bits + 64) and
// the other by x^bits; the product of two reflected numbers comes out one bit short, hence - 1.
struct FoldBy {
  std::uint64_t low_half;
  std::uint64_t high_half;
};
constexpr FoldBy fold_by(std::uint64_t bits) {
  return {x_to_the(bits + 64 - 1), x_to_the(bits - 1)};
}
constexpr FoldBy kFold512 = fold_by(512);
constexpr FoldBy kFold128 = fold_by(128);
constexpr std::size_t kStride = 64;

#define WALWRAP_CLMUL __attribute__((target("pclmul,sse4.1")))

WALWRAP_CLMUL inline __m128i load_lane(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
WALWRAP_CLMUL inline __m128i constants(FoldBy by) {
  return _mm_set_epi64x(static_cast<long long>(by.high_half), static_cast<long long>(by.low_half));
}
WALWRAP_CLMUL inline __m128i fold(__m128i lane, __m128i by, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// Takes whole strides, at least one; returns the state after them.
WALWRAP_CLMUL std::uint64_t crc64_by_clmul(std::uint64_t state, ByteSpan bytes) {
  const std::byte* at = bytes.data();
  __m128i a = _mm_xor_si128(load_lane(at), _mm_cvtsi64_si128(static_cast<long long>(state)));
  __m128i b = load_lane(at + 16);
  __m128i c = load_lane(at + 32);
  __m128i d = load_lane(at + 48);
  const __m128i by512 = constants(kFold512);
  for (std::size_t left = bytes.size() - kStride; left > 0; left -= kStride) {
    at += kStride;
    a = fold(a, by512, load_lane(at));
    b = fold(b, by512, load_lane(at + 16));
    c = fold(c, by512, load_lane(at + 32));
    d = fold(d, by512, load_lane(at + 48));
  }
  const __m128i by128 = constants(kFold128);
  const __m128i lane = fold(fold(fold(a, by128, b), by128, c), by128, d);
  std::array<std::byte, 16> rest;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest.data()), lane);
  return detail::crc64_by_table(0, rest);
}

bool has_clmul() {
  static const bool has = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return has;
}

#endif

}  // namespace

namespace detail {

std::uint64_t crc64_by_table(std::uint64_t state, ByteSpan bytes) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    state = slice8(load_le64_at(at) ^ state, 8) ^ slice8(load_le64_at(at + 8), 0);
  }
  for (; left > 0; --left, ++at) {
    state = kTables[0][(state ^ std::to_integer<std::uint64_t>(*at)) & 0xff] ^ (state >> 8);
  }
  return state;
}

std::uint64_t crc64_fastest(std::uint64_t state, ByteSpan bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kStride && has_clmul()) {
    const std::size_t strides = bytes.size() / kStride * kStride;
    state = crc64_by_clmul(state, bytes.first(strides));
    bytes = bytes.subspan(strides);
  }
#endif
  return crc64_by_table(state, bytes);
}

}  // namespace detail

void Crc64::update(ByteSpan bytes) {
  value_ = ~detail::crc64_fastest(~value_, bytes);
  length_ += bytes.size();
}

void Crc64::combine(std::uint64_t piece_value, Bytes piece_length) {
  // The ones at both ends of a checksum cancel each other: what remains is to move this checksum
  // over the piece.
  value_ = multiply(x_to_the(8 * piece_length), value_) ^ piece_value;
  length_ += piece_length;
}

}  // namespace walwrap::ltx
