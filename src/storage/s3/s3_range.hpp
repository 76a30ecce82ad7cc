// From the body that a server sends to the requested bytes. Pure.
//
// A server may answer a range with exactly the range, with a part of it, or, without range support,
// with the whole object. Its content range is checked before any byte is handed on. Owns nothing;
// lives for one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/http/message.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

// The value of a Range header. "": the whole object, so there is no header.
std::string format_range(ByteRange range);

// "bytes 0-9/100" or, for a range outside the object, "bytes */100".
struct ContentRange {
  Bytes offset = 0;
  Bytes length = 0;  // 0: not given
  Bytes total = 0;   // of the whole object
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// The number in a content-length header. nullopt: missing or malformed.
std::optional<Bytes> content_length(const http::Response& head);

class RangedBody {
 public:
  // Borrows the sink.
  RangedBody(std::string key, ByteRange asked, const WriteFn& sink)
      : key_(std::move(key)), asked_(asked), sink_(sink) {}

  // For http::Request. Corrupt: the object is too short for the range, or the answer contradicts
  // the request. Unavailable: it has no ETag, so it is a page from a proxy.
  Result<void> on_head(const http::Response& head);
  // Cancelled if everything has arrived and the server continues: see is_complete().
  Result<void> take(ByteSpan bytes);

  // Every requested byte has been handed on, as far as can be known before the end.
  bool is_complete() const { return remaining_ && *remaining_ == 0; }
  // The answer has ended correctly. Unavailable: it was shorter than requested.
  Result<void> finish() const;
  const std::string& etag() const { return etag_; }  // as sent; "": none or a weak one

 private:
  Result<void> on_part(const http::Response& head);
  Result<void> on_whole(const http::Response& head);
  Result<void> expect(Bytes total);

  std::string key_;
  ByteRange asked_;
  const WriteFn& sink_;
  std::string etag_;
  bool is_partial_ = false;         // a 206
  Bytes sent_ = 0;                  // of a 206: rest of what it announced
  Bytes skip_ = 0;                  // of a 200: bytes before the range
  std::optional<Bytes> remaining_;  // to hand on; nullopt: until the end
};

}  // namespace walwrap::storage
