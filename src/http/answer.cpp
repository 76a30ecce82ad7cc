#include "walwrap/http/answer.hpp"

#include <algorithm>
#include <string>

#include "walwrap/base/text.hpp"
#include "walwrap/http/wire.hpp"

namespace walwrap::http {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr int kInterimEnd = 200;  // 1xx: the answer is still to come

bool is_success(int status) {
  return status >= 200 && status < 300;
}

// RFC 9110's token.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<void> Answer::on_head_line(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > kHeadLimit) {
    return fail(Code::Corrupt, "{}: the head of the answer is larger than {} bytes",
                host_of(request_.url), kHeadLimit);
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  switch (part_) {
    case Part::Nothing:
    case Part::InterimEnded:
      return on_status_line(line);
    case Part::Head:
      if (line.empty()) return on_head_end();
      on_field(line);
      return {};
    case Part::Body:
      return {};  // a trailer: the headers are complete
  }
  return {};
}

Result<void> Answer::on_head_end() {
  part_ = response_.status < kInterimEnd ? Part::InterimEnded : Part::Body;
  if (request_.on_head && is_success(response_.status)) return request_.on_head(response_);
  return {};
}

// "HTTP/1.1 200 OK", "HTTP/2 200"
Result<void> Answer::on_status_line(std::string_view line) {
  const auto blank = std::min(line.find(' '), line.size());
  const std::string_view number = line.substr(std::min(blank + 1, line.size())).substr(0, 3);
  int status = 0;
  for (const char c : number) {
    status = is_digit(c) ? status * 10 + (c - '0') : -1;
    if (status < 0) break;
  }
  if (!line.starts_with("HTTP/") || number.size() != 3 || status < 100) {
    return fail(Code::Corrupt, "{}: the answer is not HTTP", host_of(request_.url));
  }
  response_.status = status;
  response_.headers.clear();
  is_last_field_kept_ = false;
  part_ = Part::Head;
  return {};
}

void Answer::on_field(std::string_view line) {
  // A line that begins with a blank continues the value above it.
  if (kBlanks.find(line.front()) != std::string_view::npos) {
    if (!is_last_field_kept_) return;
    std::string& value = response_.headers.back().value;
    if (!value.empty()) value.push_back(' ');
    value.append(trim(line, kBlanks));
    return;
  }
  const auto colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  is_last_field_kept_ = colon < line.size() && is_token(name);
  if (!is_last_field_kept_) return;
  response_.headers.push_back(
      {lower_case(name), std::string(trim(line.substr(colon + 1), kBlanks))});
}

Result<void> Answer::on_body(ByteSpan bytes) {
  body_bytes_ += bytes.size();
  if (request_.sink && is_success(response_.status)) return request_.sink(bytes);
  if (body_bytes_ > request_.response_limit) {
    return fail(Code::Corrupt, "{}: the body of the answer is larger than {} bytes",
                host_of(request_.url), request_.response_limit);
  }
  response_.body.insert(response_.body.end(), bytes.begin(), bytes.end());
  return {};
}

}  // namespace walwrap::http
