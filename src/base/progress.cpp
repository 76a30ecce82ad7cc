#include "walwrap/base/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "walwrap/base/human.hpp"

namespace walwrap {
namespace {

constexpr std::size_t kBarWidth = 30;

std::string describe(Bytes done, Bytes total, std::chrono::duration<double> elapsed) {
  const double share =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  auto text = fmt::format("{:3.0f} %, {} of {}", share * 100, format_bytes(done),
                          format_bytes(std::max(done, total)));
  const double rate = elapsed.count() > 0 ? static_cast<double>(done) / elapsed.count() : 0;
  if (rate < 1) return text;
  text += fmt::format(", {}/s", format_bytes(static_cast<Bytes>(rate)));
  if (done < total) {
    text += fmt::format(", {:.0f} s left", static_cast<double>(total - done) / rate);
  }
  return text;
}

std::string draw_bar(Bytes done, Bytes total) {
  const auto full = total == 0
                        ? kBarWidth
                        : static_cast<std::size_t>(static_cast<double>(std::min(done, total)) /
                                                   static_cast<double>(total) * kBarWidth);
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]";
}

}  // namespace

std::optional<std::string> Progress::on_progress(Bytes done, Bytes total, MonoTime now) {
  if (style_ == Style::None) return std::nullopt;
  if (now - last_ < (style_ == Style::Bar ? kBarEvery : kLineEvery)) return std::nullopt;
  last_ = now;
  const auto text = describe(done, total, now - begun_);
  if (style_ == Style::Lines) return fmt::format("{}: {}\n", what_, text);
  bar_shown_ = true;
  return fmt::format("\r\x1b[K{} {} {}", what_, draw_bar(done, total), text);
}

std::string Progress::on_end() {
  if (!bar_shown_) return {};
  bar_shown_ = false;
  return "\n";
}

bool LoggedProgress::is_line_due(Bytes done, Bytes total, MonoTime now) {
  const auto text = progress_.on_progress(done, total, now);
  if (!text) return false;
  if (log_.can_draw()) log_.draw(*text);
  return !log_.can_draw();
}

}  // namespace walwrap
