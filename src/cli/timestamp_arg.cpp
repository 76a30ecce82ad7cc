#include "walwrap/cli/timestamp_arg.hpp"

#include <array>
#include <cstdint>

#include "walwrap/base/decimal.hpp"

namespace walwrap::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kAgo = " ago";

struct Unit {
  std::string_view one;
  milliseconds length;
};
constexpr std::array kWords = {
    Unit{"second", std::chrono::seconds(1)}, Unit{"minute", std::chrono::minutes(1)},
    Unit{"hour", std::chrono::hours(1)}, Unit{"day", std::chrono::hours(24)},
    Unit{"week", std::chrono::hours(168)}};

// "10 minutes", "1 day".
std::optional<milliseconds> parse_words(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto count = parse_decimal<std::uint32_t>(text.substr(0, space));
  auto unit = text.substr(space + 1);
  if (unit.ends_with('s')) unit.remove_suffix(1);
  for (const Unit& row : kWords) {
    // 32 bits of weeks are far from 64 bits of milliseconds.
    if (count && row.one == unit) return row.length * static_cast<std::int64_t>(*count);
  }
  return std::nullopt;
}

}  // namespace

std::optional<TimestampArg> parse_timestamp_arg(std::string_view text) {
  if (!text.ends_with(kAgo)) {
    const auto time = parse_rfc3339(text);
    return time ? std::optional<TimestampArg>(*time) : std::nullopt;
  }
  text.remove_suffix(kAgo.size());
  auto ago = parse_words(text);
  if (!ago) ago = parse_duration(text);
  return ago ? std::optional<TimestampArg>(*ago) : std::nullopt;
}

WallTime resolve(const TimestampArg& moment, WallTime now) {
  if (const auto* time = std::get_if<WallTime>(&moment)) return *time;
  return now - std::get<milliseconds>(moment);
}

}  // namespace walwrap::cli
