#include "walwrap/control/charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace walwrap::control {
namespace {

using std::chrono::milliseconds;

// In coordinates of the chart. The page stretches them to its width.
constexpr double kWidth = 720;
constexpr double kLagHeight = 120;
constexpr double kPointsHeight = 36;
constexpr double kPointWidth = 2;
constexpr double kHitWidth = 7;  // width that a finger or a mouse can hit

// Round upper bounds.
constexpr std::array kTopSeconds = {1, 2, 5, 10, 30, 60, 120, 300, 600, 1'800, 3'600};

milliseconds top_for(milliseconds worst) {
  for (const int top : kTopSeconds) {
    if (milliseconds(1'000 * top) >= worst) return milliseconds(1'000 * top);
  }
  return worst;
}

// Of a sample in the last hour.
double x_of(MonoTime at, MonoTime now) {
  const double age = std::chrono::duration<double>(now - at).count();
  return kWidth * (1 - std::min(1.0, age / static_cast<double>(History::kKept.count())));
}

std::string grid() {
  std::string lines;
  for (int quarter = 1; quarter < 4; ++quarter) {
    lines += fmt::format("<line class=\"grid\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{1}\"/>",
                         kWidth * quarter / 4, kLagHeight);
  }
  return lines + fmt::format("<line class=\"grid\" x1=\"0\" x2=\"{0}\" y1=\"{1}\" y2=\"{1}\"/>",
                             kWidth, kLagHeight / 2);
}

struct Hit {
  double left = 0;
  double width = 0;
};

// The part of the chart that belongs to the point at places[i]: half-way to each neighbour, because
// later points would cover it.
Hit hit_of(const std::vector<double>& places, std::size_t i) {
  double left = places[i] - (kHitWidth - kPointWidth) / 2;
  double right = left + kHitWidth;
  if (i > 0) left = std::max(left, (places[i - 1] + places[i] + kPointWidth) / 2);
  if (i + 1 < places.size()) {
    right = std::min(right, (places[i] + places[i + 1] + kPointWidth) / 2);
  }
  return {left, std::max(0.0, right - left)};
}

}  // namespace

std::string format_clock(WallTime time) {
  const auto text = format_rfc3339(time);  // "2026-11-27T15:04:05.000Z"
  return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 8));
}

LagDrawing draw_lag(const History& history, MonoTime now_mono, WallTime now) {
  milliseconds worst{0};
  for (const Sample& sample : history.samples()) worst = std::max(worst, sample.lag);
  const milliseconds top = top_for(worst);
  std::string line;
  std::string tips;
  for (const Sample& sample : history.samples()) {
    const double x = x_of(sample.at, now_mono);
    const double y = kLagHeight * (1 - static_cast<double>(sample.lag.count()) /
                                           static_cast<double>(top.count()));
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, y);
    const auto then = now - std::chrono::duration_cast<milliseconds>(now_mono - sample.at);
    tips += fmt::format(
        "<rect class=\"tip\" x=\"{:.1f}\" y=\"0\" width=\"2\" height=\"{}\"><title>{}: lag "
        "{}</title></rect>",
        x - 1, kLagHeight, format_clock(then), format_duration(sample.lag));
  }
  const std::string summary = worst.count() == 0
                                  ? "never more than a moment"
                                  : fmt::format("at most {}", format_duration(worst));
  std::string svg = fmt::format(
      "<svg class=\"lag\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"Lag over the last hour: {}\">{}",
      kWidth, kLagHeight, summary, grid());
  if (!line.empty()) svg += fmt::format("<path class=\"line\" d=\"{}\"/>{}", line, tips);
  return {.svg = svg + "</svg>", .top = format_duration(top), .summary = summary};
}

std::string draw_points(const replication::PointsFound& found, const std::string& prefix) {
  if (found.some.empty()) return "";
  const auto from = found.some.front().time;
  const auto to =
      std::max_element(found.some.begin(), found.some.end(), [](const auto& a, const auto& b) {
        return a.time < b.time;
      })->time;
  const double length = std::max<double>(1, static_cast<double>((to - from).count()));
  const auto place = [&](WallTime time) {
    const double share = static_cast<double>((time - from).count()) / length;
    return std::clamp(share, 0.0, 1.0) * (kWidth - kPointWidth);
  };
  std::string svg = fmt::format(
      "<svg class=\"points\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" "
      "aria-label=\"Points in time you can restore\">",
      kWidth, kPointsHeight);
  for (const auto& span : found.spans) {
    svg += fmt::format("<rect class=\"span\" x=\"{:.1f}\" y=\"4\" width=\"{:.1f}\" height=\"{}\"/>",
                       place(span.from),
                       std::max(kPointWidth, place(span.to) - place(span.from) + kPointWidth),
                       kPointsHeight - 8);
  }
  std::vector<double> places;
  for (const auto& point : found.some) places.push_back(place(point.time));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& point = found.some[i];
    const Hit hit = hit_of(places, i);
    svg += fmt::format(
        "<a href=\"#{0}{1}\"><title>{2}, txid {1}</title><rect class=\"point\" x=\"{3:.1f}\" "
        "y=\"4\" width=\"{4}\" height=\"{5}\"/><rect class=\"hit\" x=\"{6:.1f}\" y=\"0\" "
        "width=\"{7:.1f}\" height=\"{8}\"/></a>",
        prefix, point.txid, format_clock(point.time), places[i], kPointWidth, kPointsHeight - 8,
        hit.left, hit.width, kPointsHeight);
  }
  return svg + "</svg>";
}

}  // namespace walwrap::control
