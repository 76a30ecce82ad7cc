// An answer as it arrives: lines of its head, then its body. Pure.
//
// Interim answers (1xx) and trailers are dropped. The head has a limit here, and the body the
// request's own (Law 5). Owned by one request.
#pragma once

#include <string_view>
#include <utility>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/http/transport.hpp"

namespace walwrap::http {

// All lines of all heads of one answer. Stores send less than 4 KiB, and servers accept no more
// than this in a request either.
inline constexpr Bytes kHeadLimit = 64ULL << 10;

class Answer {
 public:
  // Borrows the request.
  explicit Answer(const Request& request) : request_(request) {}

  // One line, with or without its end: the status line, a field, or the empty line after them.
  // Errors: Corrupt (not HTTP, or too long), and what the request's on_head returns.
  Result<void> on_head_line(std::string_view line);
  // Errors: Corrupt (larger than the request allows), and what the sink returns.
  Result<void> on_body(ByteSpan bytes);

  bool has_begun() const { return head_bytes_ > 0; }  // a byte of it has arrived
  Bytes head_bytes() const { return head_bytes_; }
  Bytes body_bytes() const { return body_bytes_; }
  Response take() { return std::move(response_); }

 private:
  enum class Part { Nothing, Head, InterimEnded, Body };

  Result<void> on_status_line(std::string_view line);
  Result<void> on_head_end();
  void on_field(std::string_view line);

  const Request& request_;
  Response response_;
  Part part_ = Part::Nothing;
  bool is_last_field_kept_ = false;  // so that its continuation lines are left out too
  Bytes head_bytes_ = 0;
  Bytes body_bytes_ = 0;
};

}  // namespace walwrap::http
