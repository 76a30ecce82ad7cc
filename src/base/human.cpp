#include "walwrap/base/human.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace walwrap {

std::string format_bytes(Bytes bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // Up to what would be shown as 1024.0.
  for (value /= 1024; value >= 1023.95 && unit + 1 < std::size(kUnits); value /= 1024) ++unit;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_rate(double bytes_per_second) {
  constexpr double kMost = 1e18;  // beyond what a Bytes holds the conversion means nothing
  const bool is_some = bytes_per_second > 0;  // false for what is no number, too
  return format_bytes(is_some ? static_cast<Bytes>(std::min(bytes_per_second, kMost)) : 0) + "/s";
}

std::string format_age(WallTime then, WallTime now) {
  const auto age = std::chrono::floor<std::chrono::seconds>(now - then);
  if (age.count() < 1) return "now";
  return format_duration(age) + " ago";
}

}  // namespace walwrap
