#include "walwrap/base/log.hpp"

#include <algorithm>
#include <cstdint>

namespace walwrap {

namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
  }
  panic(__FILE__, __LINE__, "level is one of LogLevel");
}

// The length of the well-formed UTF-8 character that `text` begins with; 0 if it begins with none.
// Source: Unicode 15, table 3-7.
std::size_t utf8_length(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                             : lead >= 0xe0 && lead <= 0xef ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0U) != 0x80U) return 0;
  }
  const unsigned second = at(1);
  const bool is_overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool is_surrogate = lead == 0xed && second >= 0xa0;
  const bool is_too_large = lead == 0xf4 && second >= 0x90;
  return is_overlong || is_surrogate || is_too_large ? 0 : length;
}

// The character is text a terminal shows and does not act on: neither C0, DEL nor C1.
bool is_printable(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first >= 0x20 && first != 0x7f;
  return !(first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

std::string escape_unprintable(LogFormat format, std::string_view character) {
  if (character == "\n") return "\\n";
  if (character == "\t") return "\\t";
  if (character == "\r") return "\\r";
  if (format == LogFormat::Logfmt) {
    std::string text;
    for (const char c : character) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return text;
  }
  const auto last = static_cast<unsigned char>(character.back());
  const bool is_stray_byte = character.size() == 1 && last >= 0x80;
  if (is_stray_byte) return "\\ufffd";    // JSON has no escape for what is not a character
  return fmt::format("\\u{:04x}", last);  // of a C1 control, the second byte is the code point
}

void append_quoted(std::string& line, LogFormat format, std::string_view text) {
  line += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto character = text.substr(0, std::max<std::size_t>(length, 1));
    if (character == "\"" || character == "\\") {
      line += '\\';
      line += character;
    } else if (length == 0 || !is_printable(character)) {
      line += escape_unprintable(format, character);
    } else {
      line += character;
    }
    text.remove_prefix(character.size());
  }
  line += '"';
}

bool is_bare(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '=' && c != '\\';
  });
}

void append_pair(std::string& line, LogFormat format, std::string_view key, std::string_view value,
                 bool is_json_literal) {
  if (format == LogFormat::Json) {
    line += line.empty() ? "{" : ",";
    append_quoted(line, format, key);
    line += ':';
  } else {
    if (!line.empty()) line += ' ';
    line += key;
    line += '=';
  }
  const bool is_plain = format == LogFormat::Json ? is_json_literal : is_bare(value);
  if (is_plain) {
    line += value;
  } else {
    append_quoted(line, format, value);
  }
}

}  // namespace

std::string format_log_line(LogFormat format, WallTime time, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields) {
  std::string line;
  append_pair(line, format, "time", format_rfc3339(time), false);
  append_pair(line, format, "level", level_name(level), false);
  append_pair(line, format, "msg", message, false);
  for (const LogField& field : fields) {
    append_pair(line, format, field.key, field.value, field.is_json_literal);
  }
  if (format == LogFormat::Json) line += '}';
  return line;
}

void Log::error(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Error, message, fields);
}

void Log::warn(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Warn, message, fields);
}

void Log::info(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Info, message, fields);
}

void Log::debug(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Debug, message, fields);
}

void Log::write(LogLevel level, std::string_view message,
                std::initializer_list<LogField> fields) const {
  if (level < options_.minimum || !options_.sink) return;
  std::string line = is_drawn_.exchange(false) ? std::string(kClearLine) : std::string();
  line += format_log_line(options_.format, options_.now(), level, message, fields);
  line += '\n';
  options_.sink(line);
}

bool Log::can_draw() const {
  return options_.to_terminal && options_.format == LogFormat::Logfmt &&
         options_.minimum <= LogLevel::Info && options_.sink;
}

void Log::draw(std::string_view text) const {
  is_drawn_ = true;
  options_.sink(text);
}

FailureEpisode::Say FailureEpisode::on_failure(MonoTime now) {
  if (!failing_) {
    failing_ = true;
    failures_ = 1;
    last_said_ = now;
    return Say::Started;
  }
  ++failures_;
  if (now - last_said_ < kRepeat) return Say::Nothing;
  last_said_ = now;
  return Say::Continues;
}

FailureEpisode::Say FailureEpisode::on_success() {
  if (!failing_) return Say::Nothing;
  failing_ = false;
  return Say::Ended;
}

}  // namespace walwrap
