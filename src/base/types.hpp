// The quantities that cross headers, each a type of its own so that one is never passed for
// another. All are plain values.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walwrap {

// Bytes of memory, of a file, or an offset into one.
using Bytes = std::uint64_t;

// A page number of a SQLite database: 1 is the page with the header. 0 is no page.
struct Pgno {
  std::uint32_t value = 0;
  auto operator<=>(const Pgno&) const = default;
};

// One upload to a replica, counted from 1. 0 is "nothing stored yet".
struct Txid {
  std::uint64_t value = 0;
  auto operator<=>(const Txid&) const = default;
  Txid next() const { return Txid{value + 1}; }
};

// 0: one upload; 1 to 8: compacted files; 9: snapshots. The numbers are litestream's.
struct Level {
  int value = 0;
  auto operator<=>(const Level&) const = default;
};
inline constexpr Level kUploadLevel{0};
inline constexpr Level kSnapshotLevel{9};

// Bytes per database page: a power of two from 512 to 65536.
struct PageSize {
  std::uint32_t value = 0;
  auto operator<=>(const PageSize&) const = default;
  static bool is_valid(std::uint64_t bytes) {
    return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
  }
};

// The page that holds byte 2^30, SQLite's lock bytes: never captured, stored or restored (Law 7).
inline Pgno lock_page(PageSize size) {
  return Pgno{(1U << 30) / size.value + 1};
}

// Inclusive on both ends.
struct TxidRange {
  Txid first;
  Txid last;
  auto operator<=>(const TxidRange&) const = default;
};

// A writer (one start of one replicator) or a lineage (one database's history), chosen at random.
struct RandomId {
  std::uint64_t value = 0;
  auto operator<=>(const RandomId&) const = default;
};

// 16 lower-case hex digits, as in file names, logs and --txid. parse_txid takes exactly these.
std::string format_hex16(std::uint64_t value);
std::optional<std::uint64_t> parse_hex16(std::string_view text);

// "5s", "250ms", "1m30s", "2h", "0": what flags, environment and TOML accept, and its inverse.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);

// Wall-clock time as stored in LTX headers: milliseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
// "2026-01-01T00:00:01.250Z"; parse also takes an offset ("+02:00") and 0 to 9 fraction digits.
std::string format_rfc3339(WallTime time);
std::optional<WallTime> parse_rfc3339(std::string_view text);

// Time that only moves forward, for every deadline and delay.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// Whether a second writer to a replica is detected, because the store creates a name only once.
// From good to bad.
enum class Fencing : std::uint8_t { On, NotKnown, Off };
std::string_view format_fencing(Fencing fencing);  // "on", "unknown", "off"

}  // namespace walwrap

template <>
struct fmt::formatter<walwrap::Pgno> : fmt::formatter<std::uint32_t> {
  auto format(walwrap::Pgno pgno, fmt::format_context& context) const {
    return fmt::formatter<std::uint32_t>::format(pgno.value, context);
  }
};
template <>
struct fmt::formatter<walwrap::Txid> : fmt::formatter<std::string> {
  auto format(walwrap::Txid txid, fmt::format_context& context) const {
    return fmt::formatter<std::string>::format(walwrap::format_hex16(txid.value), context);
  }
};
template <>
struct fmt::formatter<walwrap::RandomId> : fmt::formatter<std::string> {
  auto format(walwrap::RandomId id, fmt::format_context& context) const {
    return fmt::formatter<std::string>::format(walwrap::format_hex16(id.value), context);
  }
};
template <>
struct fmt::formatter<walwrap::Level> : fmt::formatter<int> {
  auto format(walwrap::Level level, fmt::format_context& context) const {
    return fmt::formatter<int>::format(level.value, context);
  }
};
template <>
struct fmt::formatter<walwrap::PageSize> : fmt::formatter<std::uint32_t> {
  auto format(walwrap::PageSize size, fmt::format_context& context) const {
    return fmt::formatter<std::uint32_t>::format(size.value, context);
  }
};
