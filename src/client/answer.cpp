#include "walwrap/client/answer.hpp"

#include <algorithm>

namespace walwrap::client {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kProtocol = "HTTP/1.";
constexpr std::size_t kStatusLineBytes = 12;  // "HTTP/1.1 200"

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_token(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

// Visible characters, spaces, tabs, and what is not ASCII.
bool is_text_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

bool is_same_name(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// 0: it is not a status line, or an interim answer's.
int parse_status_line(std::string_view line) {
  if (line.size() < kStatusLineBytes || !line.starts_with(kProtocol)) return 0;
  if ((line[7] != '0' && line[7] != '1') || line[8] != ' ') return 0;
  if (line.size() > kStatusLineBytes && line[kStatusLineBytes] != ' ') return 0;
  if (!is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11])) return 0;
  const int status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return status >= 200 && status < 600 ? status : 0;
}

// false: it is not a number, or one beyond the limit.
bool parse_length(std::string_view text, std::size_t& length) {
  if (text.empty()) return false;
  std::size_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<std::size_t>(c - '0');
    if (value > kMostBodyBytes) return false;
  }
  length = value;
  return true;
}

}  // namespace

Answer::State Answer::feed(std::string_view bytes) {
  if (state_ == State::Malformed || state_ == State::NoMemory || bytes.empty()) return state_;
  bytes_.append(bytes);
  state_ = judge();
  return state_;
}

void Answer::clear() {
  bytes_.clear();
  head_bytes_ = 0;
  body_bytes_ = 0;
  has_length_ = false;
  status_ = 0;
  state_ = State::Partial;
}

Answer::State Answer::judge() {
  if (bytes_.state() == Text::State::NoMemory) return State::NoMemory;
  if (bytes_.state() == Text::State::TooLong) return State::Malformed;
  const auto all = bytes_.view();
  if (head_bytes_ == 0) {
    const auto known = std::min(all.size(), kProtocol.size());
    if (all.compare(0, known, kProtocol.data(), known) != 0) return State::Malformed;
    const auto end = all.find(kHeadEnd);
    if (end == std::string_view::npos) {
      return all.size() > kMostHeadBytes ? State::Malformed : State::Partial;
    }
    if (end > kMostHeadBytes || !read_head({all.data(), end})) return State::Malformed;
    head_bytes_ = end + kHeadEnd.size();
  }
  const auto so_far = all.size() - head_bytes_;
  if (so_far > body_bytes_) return State::Malformed;
  return so_far == body_bytes_ ? State::Whole : State::Partial;
}

bool Answer::read_head(std::string_view head) {
  auto end = std::min(head.find(kLineEnd), head.size());
  const std::string_view first(head.data(), end);
  if (!std::all_of(first.begin(), first.end(), is_text_byte)) return false;
  status_ = parse_status_line(first);
  if (status_ == 0) return false;
  while (end < head.size()) {
    head.remove_prefix(end + kLineEnd.size());
    end = std::min(head.find(kLineEnd), head.size());
    if (!read_field({head.data(), end})) return false;
  }
  return has_length_;
}

bool Answer::read_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view name(line.data(), colon);
  const auto value = trim({line.data() + colon + 1, line.size() - colon - 1});
  if (!std::all_of(name.begin(), name.end(), is_token)) return false;
  if (!std::all_of(value.begin(), value.end(), is_text_byte)) return false;
  if (is_same_name(name, "transfer-encoding")) return false;
  if (!is_same_name(name, "content-length")) return true;
  if (has_length_) return false;
  has_length_ = true;
  return parse_length(value, body_bytes_);
}

std::string_view Answer::body() const {
  if (state_ != State::Whole) return {};
  return {bytes_.view().data() + head_bytes_, body_bytes_};
}

}  // namespace walwrap::client
