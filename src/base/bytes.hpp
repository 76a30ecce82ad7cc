// Spans of bytes, integers read from and written to them, and how a stream of bytes is passed.
//
// load_*/store_* work at any alignment; the caller guarantees that the span is long enough
// (checked).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/check.hpp"
#include "walwrap/base/result.hpp"

namespace walwrap {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

// A sink: takes all the bytes, in order, or fails.
using WriteFn = std::function<Result<void>(ByteSpan)>;
// A source: fills some of the buffer, says how much; 0 is the end.
using ReadFn = std::function<Result<std::size_t>(MutableByteSpan)>;

namespace detail {
template <typename T>
T load_big(ByteSpan bytes) {
  WW_CHECK(bytes.size() >= sizeof(T));
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8) | std::to_integer<T>(bytes[i]));
  }
  return value;
}
template <typename T>
void store_big(MutableByteSpan bytes, T value) {
  WW_CHECK(bytes.size() >= sizeof(T));
  for (std::size_t i = sizeof(T); i-- > 0;) {
    bytes[i] = static_cast<std::byte>(value & 0xff);
    value = static_cast<T>(value >> 8);
  }
}
template <typename T>
T load_little(ByteSpan bytes) {
  WW_CHECK(bytes.size() >= sizeof(T));
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>((value << 8) | std::to_integer<T>(bytes[i]));
  }
  return value;
}
template <typename T>
void store_little(MutableByteSpan bytes, T value) {
  WW_CHECK(bytes.size() >= sizeof(T));
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<std::byte>(value & 0xff);
    value = static_cast<T>(value >> 8);
  }
}
}  // namespace detail

inline std::uint16_t load_be16(ByteSpan bytes) {
  return detail::load_big<std::uint16_t>(bytes);
}
inline std::uint32_t load_be32(ByteSpan bytes) {
  return detail::load_big<std::uint32_t>(bytes);
}
inline std::uint64_t load_be64(ByteSpan bytes) {
  return detail::load_big<std::uint64_t>(bytes);
}
inline std::uint32_t load_le32(ByteSpan bytes) {
  return detail::load_little<std::uint32_t>(bytes);
}
inline std::uint64_t load_le64(ByteSpan bytes) {
  return detail::load_little<std::uint64_t>(bytes);
}
inline void store_be16(MutableByteSpan bytes, std::uint16_t value) {
  detail::store_big(bytes, value);
}
inline void store_be32(MutableByteSpan bytes, std::uint32_t value) {
  detail::store_big(bytes, value);
}
inline void store_be64(MutableByteSpan bytes, std::uint64_t value) {
  detail::store_big(bytes, value);
}
inline void store_le32(MutableByteSpan bytes, std::uint32_t value) {
  detail::store_little(bytes, value);
}
inline void store_le64(MutableByteSpan bytes, std::uint64_t value) {
  detail::store_little(bytes, value);
}

inline ByteSpan as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace walwrap
