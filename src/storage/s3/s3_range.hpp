// From the body that a server sends to the bytes that were asked for. Pure.
//
// A server may answer a range with exactly that, with less of it, or, if it knows no ranges, with
// the whole object. What it says it sends is checked before a byte is handed on. Owns nothing;
// lives as long as one request.
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

// The value of a Range header; "": the whole object, so there is none.
std::string format_range(ByteRange range);

// "bytes 0-9/100" or, of a range that is not there, "bytes */100".
struct ContentRange {
  Bytes offset = 0;
  Bytes length = 0;  // 0: not there
  Bytes total = 0;   // of the whole object
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// The number that a content-length header gives; nullopt: none, or nonsense.
std::optional<Bytes> content_length(const http::Response& head);

class RangedBody {
 public:
  // Borrows the sink.
  RangedBody(std::string key, ByteRange asked, const WriteFn& sink)
      : key_(std::move(key)), asked_(asked), sink_(sink) {}

  // For http::Request. Corrupt: the object is too short for the range, or the answer contradicts
  // the question. Unavailable: it has no etag, so it is a page from a proxy.
  Result<void> on_head(const http::Response& head);
  // Cancelled once all is there and the server goes on: is_complete() tells.
  Result<void> take(ByteSpan bytes);

  // Everything that was asked for has been handed on, as far as can be known before the end.
  bool is_complete() const { return remaining_ && *remaining_ == 0; }
  // The answer has ended as it should. Unavailable: it was less than was asked for.
  Result<void> finish() const;
  const std::string& etag() const { return etag_; }  // as sent; "": none, or a weak one

 private:
  Result<void> on_part(const http::Response& head);
  Result<void> on_whole(const http::Response& head);
  Result<void> expect(Bytes total);

  std::string key_;
  ByteRange asked_;
  const WriteFn& sink_;
  std::string etag_;
  bool is_partial_ = false;         // a 206
  Bytes sent_ = 0;                  // of a 206: what it says is still to come
  Bytes skip_ = 0;                  // of a 200: what comes before the range
  std::optional<Bytes> remaining_;  // to be handed on; nullopt: until the end
};

}  // namespace walwrap::storage
