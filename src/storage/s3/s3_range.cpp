#include "walwrap/storage/s3/s3_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "walwrap/base/decimal.hpp"

namespace walwrap::storage {
namespace {}  // namespace

std::string format_range(ByteRange range) {
  if (range.offset == 0 && range.length == 0) return {};
  if (range.length == 0) return fmt::format("bytes={}-", range.offset);
  return fmt::format("bytes={}-{}", range.offset, range.offset + (range.length - 1));
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  const auto slash = text.find('/');
  if (!text.starts_with(kUnit) || slash == std::string_view::npos) return std::nullopt;
  const auto range = text.substr(kUnit.size(), slash - kUnit.size());
  const auto total = parse_decimal<Bytes>(text.substr(slash + 1));
  if (!total) return std::nullopt;
  if (range == "*") return ContentRange{.offset = 0, .length = 0, .total = *total};
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_decimal<Bytes>(range.substr(0, dash));
  const auto last = parse_decimal<Bytes>(range.substr(dash + 1));
  if (!first || !last || *last < *first || *last >= *total) return std::nullopt;
  return ContentRange{.offset = *first, .length = *last - *first + 1, .total = *total};
}

std::optional<Bytes> content_length(const http::Response& head) {
  return parse_decimal<Bytes>(head.header("content-length"));
}

Result<void> RangedBody::on_head(const http::Response& head) {
  // A weak ETag does not prove that the bytes are the same.
  const auto etag = head.header("etag");
  if (!etag.starts_with("W/")) etag_ = etag;
  const bool is_success = head.status == 206 || head.status == 200;
  if (is_success && etag.empty()) {
    return fail(Code::Unavailable, "{}: the answer has no etag, so it is not from an object store",
                key_);
  }
  if (head.status == 206) return on_part(head);
  if (head.status == 200) return on_whole(head);
  return fail(Code::Corrupt, "{}: status {} has no object", key_, head.status);
}

Result<void> RangedBody::on_part(const http::Response& head) {
  const auto text = head.header("content-range");
  const auto sent = parse_content_range(text);
  if (!sent || sent->length == 0 || sent->offset != asked_.offset) {
    return fail(Code::Corrupt, "{}: requested {}, got '{}'", key_, format_range(asked_), text);
  }
  is_partial_ = true;
  sent_ = sent->length;
  return expect(sent->total);
}

Result<void> RangedBody::on_whole(const http::Response& head) {
  skip_ = asked_.offset;
  if (const auto total = content_length(head)) return expect(*total);
  if (asked_.length != 0) remaining_ = asked_.length;
  return {};
}

Result<void> RangedBody::expect(Bytes total) {
  if (asked_.offset > total || asked_.length > total - asked_.offset) {
    return fail(Code::Corrupt, "{} has {} bytes, too few for {} from {}", key_, total,
                asked_.length, asked_.offset);
  }
  remaining_ = asked_.length != 0 ? asked_.length : total - asked_.offset;
  return {};
}

Result<void> RangedBody::take(ByteSpan bytes) {
  if (is_partial_) {
    if (bytes.size() > sent_) return fail(Code::Corrupt, "{}: more bytes than announced", key_);
    sent_ -= bytes.size();
  }
  const auto skipped = static_cast<std::size_t>(std::min<Bytes>(skip_, bytes.size()));
  skip_ -= skipped;
  bytes = bytes.subspan(skipped);
  if (bytes.empty()) return {};
  if (is_complete()) return fail(Code::Cancelled, "{}: the rest was not requested", key_);
  if (remaining_) {
    bytes = bytes.first(static_cast<std::size_t>(std::min<Bytes>(*remaining_, bytes.size())));
  }
  TRY(sink_(bytes));
  if (remaining_) *remaining_ -= bytes.size();
  return {};
}

Result<void> RangedBody::finish() const {
  if (skip_ == 0 && remaining_.value_or(0) == 0) return {};
  // The transport reports a whole object that broke off, so this is all of it.
  if (!is_partial_) {
    return fail(Code::Corrupt, "{} is too short for {}", key_, format_range(asked_));
  }
  return fail(Code::Unavailable, "{}: the answer ended {} bytes too early", key_, *remaining_);
}

}  // namespace walwrap::storage
