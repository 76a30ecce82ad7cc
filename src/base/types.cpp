#include "walwrap/base/types.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "walwrap/base/text.hpp"

namespace walwrap {

namespace {

using std::chrono::milliseconds;

// Takes the leading digits off `text`; may be none.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

// nullopt: no digits, or more than 64 bits hold.
std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// Takes exactly `count` digits off `text`.
std::optional<int> take_fixed(std::string_view& text, std::size_t count) {
  const auto digits = text.substr(0, count);
  if (digits.size() != count || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  text.remove_prefix(count);
  return static_cast<int>(number_of(digits).value_or(0));
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

// The most a duration may be: added to a clock that counts nanoseconds, it must not overflow.
constexpr milliseconds kLongestDuration = std::chrono::hours(24 * 365 * 100);

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
// Largest first: the order in which the parts of a duration stand.
constexpr std::array<Unit, 4> kUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

// Takes the letters in front of `text`. nullptr: they are no unit.
const Unit* take_unit(std::string_view& text) {
  const auto end =
      std::find_if(text.begin(), text.end(), [](char c) { return c < 'a' || c > 'z'; });
  const auto name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(name.size());
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// The digits after a decimal point, in milliseconds. nullopt: there are none, or they name a part
// of a millisecond, which would be lost.
std::optional<std::int64_t> fraction_of(std::string_view digits, const Unit& unit) {
  constexpr std::size_t kMostDigits = 9;
  const auto value = number_of(digits);
  if (!value || digits.size() > kMostDigits) return std::nullopt;
  std::int64_t scale = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
  const std::int64_t scaled = *value * unit.milliseconds;
  if (scaled % scale != 0) return std::nullopt;
  return scaled / scale;
}

}  // namespace

std::string format_hex16(std::uint64_t value) {
  return fmt::format("{:016x}", value);
}

std::optional<std::uint64_t> parse_hex16(std::string_view text) {
  const auto is_lower_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (text.size() != 16 || !std::all_of(text.begin(), text.end(), is_lower_hex)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return milliseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::int64_t previous_unit = kLongestDuration.count();
  while (!text.empty()) {
    const auto whole = number_of(take_digits(text));
    const bool has_fraction = take(text, '.');
    const auto fraction_digits = has_fraction ? take_digits(text) : std::string_view("0");
    const Unit* const unit = take_unit(text);
    if (!whole || unit == nullptr || unit->milliseconds >= previous_unit) return std::nullopt;
    const auto fraction = fraction_of(fraction_digits, *unit);
    // A fraction stands only in the last part: "1.5m10s" is more likely a slip than a wish.
    if (!fraction || (has_fraction && !text.empty())) return std::nullopt;
    if (*whole > kLongestDuration.count() / unit->milliseconds) return std::nullopt;
    total += *whole * unit->milliseconds + *fraction;
    if (total > kLongestDuration.count()) return std::nullopt;
    previous_unit = unit->milliseconds;
  }
  return milliseconds(total);
}

std::string format_duration(milliseconds duration) {
  if (duration == milliseconds(0)) return "0";
  std::string text = duration < milliseconds(0) ? "-" : "";
  // As unsigned, because the smallest duration has no positive counterpart.
  auto left = static_cast<std::uint64_t>(duration.count());
  if (duration < milliseconds(0)) left = 0 - left;
  for (const Unit& unit : kUnits) {
    const auto count = left / static_cast<std::uint64_t>(unit.milliseconds);
    if (count != 0) text += fmt::format("{}{}", count, unit.name);
    left %= static_cast<std::uint64_t>(unit.milliseconds);
  }
  return text;
}

std::string format_rfc3339(WallTime time) {
  using std::chrono::days;
  // The format has four digits for the year; a time from a damaged file may lie beyond them.
  constexpr WallTime kFirst = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
  constexpr WallTime kLast =
      std::chrono::sys_days(std::chrono::year(10000) / 1 / 1) - milliseconds(1);
  time = std::clamp(time, kFirst, kLast);
  const auto midnight = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(midnight);
  const auto clock = std::chrono::hh_mm_ss<milliseconds>(time - midnight);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

namespace {

// "2026-01-01", to its midnight in UTC.
std::optional<WallTime> take_date(std::string_view& text) {
  const auto year = take_fixed(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_fixed(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_fixed(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// "23:59", since midnight.
std::optional<std::chrono::minutes> take_hours_minutes(std::string_view& text) {
  const auto hours = take_fixed(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_fixed(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return std::chrono::minutes(*hours * 60 + *minutes);
}

// ".25" as 250 ms; what is finer than a millisecond is cut off. No point: 0.
std::optional<milliseconds> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return milliseconds(0);
  const auto digits = take_digits(text);
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  const std::string padded = std::string(digits) + "00";
  return milliseconds(number_of(padded.substr(0, 3)).value_or(0));
}

// "Z" or "+02:00".
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, 'Z')) return std::chrono::minutes(0);
  const bool ahead = text.starts_with('+');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto offset = take_hours_minutes(text);
  if (!offset) return std::nullopt;
  return ahead ? *offset : -*offset;
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, 'T')) return std::nullopt;
  const auto hours_minutes = take_hours_minutes(text);
  if (!hours_minutes || !take(text, ':')) return std::nullopt;
  const auto seconds = take_fixed(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto offset = take_offset(text);
  if (!fraction || !offset || !text.empty()) return std::nullopt;
  return *date + *hours_minutes + std::chrono::seconds(*seconds) + *fraction - *offset;
}

std::string_view format_fencing(Fencing fencing) {
  switch (fencing) {
    case Fencing::On:
      return "on";
    case Fencing::NotKnown:
      return "unknown";
    case Fencing::Off:
      return "off";
  }
  return "unknown";
}

}  // namespace walwrap
