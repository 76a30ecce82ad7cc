// One logfmt (or JSON) line per change of state.
//
// `Log` formats. Its owner gives it the destination and the time, because this module makes no
// system call. A Log may be used from any thread if its sink may (one write(2) per line is).
// Levels: error, a person must act; warn, degraded but recovering without help; info, about ten
// lines for a quiet day; debug, each cycle. `message` is constant text, facts are fields, and a
// unit ends its key: {"took_ms", 38}.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap {

enum class LogLevel { Debug, Info, Warn, Error };
enum class LogFormat { Logfmt, Json };

// A value that must never be shown: it prints as ***. `reveal()` at the one place that needs it.
template <typename T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  const T& reveal() const { return value_; }

 private:
  T value_{};
};

struct LogField {
  std::string_view key;
  std::string value;
  bool is_json_literal;  // JSON shows it as it is: an integer, true or false

  template <typename T>
  LogField(std::string_view name, const T& from)
      : key(name),
        value(fmt::format("{}", from)),
        is_json_literal(std::is_integral_v<T> && !std::is_same_v<T, char>) {}
};

// One line without its newline. Values with spaces, quotes, '=' or control characters are quoted
// and escaped, so a line stays one line whatever a field holds.
std::string format_log_line(LogFormat format, WallTime time, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields);

class Log {
 public:
  struct Options {
    LogLevel minimum = LogLevel::Info;
    LogFormat format = LogFormat::Logfmt;
    std::function<WallTime()> now;                    // wall clock; must be given with a sink
    std::function<void(std::string_view line)> sink;  // gets the newline too; none: says nothing
    bool to_terminal = false;                         // people see what is drawn there
  };
  explicit Log(Options options) : options_(std::move(options)) {}

  void error(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const;

  // On a terminal, on the line of the cursor: the next line takes its place.
  bool can_draw() const;
  void draw(std::string_view text) const;

 private:
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) const;
  Options options_;
  mutable std::atomic<bool> is_drawn_ = false;
};

// When to log something that keeps failing: at its start, every 30 s, and at its end. Pure; the
// caller writes the lines.
class FailureEpisode {
 public:
  static constexpr std::chrono::seconds kRepeat{30};

  enum class Say { Nothing, Started, Continues, Ended };
  Say on_failure(MonoTime now);
  Say on_success();                           // Ended once after failures, else Nothing
  int failures() const { return failures_; }  // in the episode, or in the one that has just ended

 private:
  int failures_ = 0;
  bool failing_ = false;
  MonoTime last_said_{};
};

}  // namespace walwrap

template <typename T>
struct fmt::formatter<walwrap::Secret<T>> : fmt::formatter<std::string_view> {
  auto format(const walwrap::Secret<T>& /*secret*/, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
