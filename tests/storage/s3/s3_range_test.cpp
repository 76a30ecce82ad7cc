#include "walwrap/storage/s3/s3_range.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace walwrap;
using namespace walwrap::storage;

namespace {

const std::string kObject = "0123456789";

http::Response head_of(int status, std::vector<http::HeaderField> headers) {
  http::Response head;
  head.status = status;
  head.headers = std::move(headers);
  if (head.header("etag").empty()) head.headers.push_back({"etag", "\"a\""});
  return head;
}

// What a caller gets of an answer that comes in pieces of three bytes.
struct Got {
  Result<void> outcome;
  std::string text;
};
Got get(ByteRange range, const http::Response& head, const std::string& sent) {
  std::string text;
  const WriteFn sink = [&](ByteSpan bytes) -> Result<void> {
    text += as_text(bytes);
    return {};
  };
  RangedBody body("k", range, sink);
  auto outcome = body.on_head(head);
  for (std::size_t i = 0; outcome && i < sent.size(); i += 3) {
    outcome = body.take(as_bytes(std::string_view(sent).substr(i, 3)));
  }
  if (outcome) {
    outcome = body.finish();
  } else if (body.is_complete()) {
    outcome = {};
  }
  return {std::move(outcome), text};
}

}  // namespace

TEST_CASE("a range request names its first and last byte, a whole read has no range") {
  CHECK(format_range({0, 0}).empty());
  CHECK(format_range({0, 1}) == "bytes=0-0");
  CHECK(format_range({5, 0}) == "bytes=5-");
  CHECK(format_range({5, 10}) == "bytes=5-14");
  CHECK(format_range({(1ULL << 40), ~0ULL - (1ULL << 40)}) ==
        "bytes=1099511627776-18446744073709551614");
}

TEST_CASE("a server's content range is parsed strictly") {
  struct Row {
    std::string text;
    bool is_range;
    Bytes offset, length, total;
  };
  const Row rows[] = {
      {"bytes 0-9/10", true, 0, 10, 10},
      {"bytes 5-5/10", true, 5, 1, 10},
      {"bytes */10", true, 0, 0, 10},
      {"bytes 0-9/*", false, 0, 0, 0},
      {"bytes 0-10/10", false, 0, 0, 0},
      {"bytes 6-5/10", false, 0, 0, 0},
      {"bytes 0-9", false, 0, 0, 0},
      {"bytes -9/10", false, 0, 0, 0},
      {"bytes 0-/10", false, 0, 0, 0},
      {"bytes a-b/c", false, 0, 0, 0},
      {"bytes 0-9/10x", false, 0, 0, 0},
      {"pages 0-9/10", false, 0, 0, 0},
      {"bytes 0-99999999999999999999/100000000000000000000", false, 0, 0, 0},
      {"", false, 0, 0, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto range = parse_content_range(row.text);
    CHECK(range.has_value() == row.is_range);
    if (!range) continue;
    CHECK(range->offset == row.offset);
    CHECK(range->length == row.length);
    CHECK(range->total == row.total);
  }
}

TEST_CASE("a range is returned as requested, whether the server supports ranges or not") {
  struct Row {
    const char* name;
    ByteRange range;
    int status;
    std::vector<http::HeaderField> headers;
    std::string sent;
    std::string expected;
  };
  const Row rows[] = {
      {"the whole", {0, 0}, 200, {{"content-length", "10"}}, kObject, kObject},
      {"the whole, length unknown", {0, 0}, 200, {}, kObject, kObject},
      {"an empty object", {0, 0}, 200, {{"content-length", "0"}}, "", ""},
      {"a part", {2, 5}, 206, {{"content-range", "bytes 2-6/10"}}, "23456", "23456"},
      {"to the end", {7, 0}, 206, {{"content-range", "bytes 7-9/10"}}, "789", "789"},
      {"more than asked", {2, 5}, 206, {{"content-range", "bytes 2-9/10"}}, "23456789", "23456"},
      {"no ranges", {2, 5}, 200, {{"content-length", "10"}}, kObject, "23456"},
      {"no ranges, to the end", {7, 0}, 200, {{"content-length", "10"}}, kObject, "789"},
      {"no ranges, no length", {2, 5}, 200, {}, kObject, "23456"},
      {"no ranges, no length, to the end", {7, 0}, 200, {}, kObject, "789"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto got = get(row.range, head_of(row.status, row.headers), row.sent);
    CHECK(got.outcome.has_value());
    CHECK(got.text == row.expected);
  }
}

TEST_CASE("an answer shorter than its range may be repeated, a short object is corrupt") {
  struct Row {
    const char* name;
    ByteRange range;
    int status;
    std::vector<http::HeaderField> headers;
    std::string sent;
    Code code;
    std::string text;  // handed on before
  };
  const Row rows[] = {
      {"less than asked",
       {2, 5},
       206,
       {{"content-range", "bytes 2-4/10"}},
       "234",
       Code::Unavailable,
       "234"},
      {"short object", {8, 5}, 206, {{"content-range", "bytes 8-9/10"}}, "89", Code::Corrupt, ""},
      {"short object, no ranges",
       {8, 5},
       200,
       {{"content-length", "10"}},
       kObject,
       Code::Corrupt,
       ""},
      {"short object, no length", {8, 5}, 200, {}, kObject, Code::Corrupt, "89"},
      {"begins behind its end", {12, 0}, 200, {}, kObject, Code::Corrupt, ""},
      {"another part",
       {2, 5},
       206,
       {{"content-range", "bytes 0-4/10"}},
       "01234",
       Code::Corrupt,
       ""},
      {"does not say which", {2, 5}, 206, {}, "23456", Code::Corrupt, ""},
      {"more than announced",
       {2, 5},
       206,
       {{"content-range", "bytes 2-4/10"}},
       "23456",
       Code::Corrupt,
       "234"},
      {"nothing", {2, 5}, 204, {}, "", Code::Corrupt, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto got = get(row.range, head_of(row.status, row.headers), row.sent);
    REQUIRE_FALSE(got.outcome.has_value());
    CHECK(got.outcome.error().code == row.code);
    CHECK(got.text == row.text);
  }
}

TEST_CASE("an error of the sink is returned") {
  const WriteFn sink = [](ByteSpan) -> Result<void> { return fail(Code::Io, "disk full"); };
  RangedBody body("k", {0, 0}, sink);
  REQUIRE(body.on_head(head_of(200, {{"content-length", "10"}})).has_value());
  CHECK(body.take(as_bytes("012")).error().text == "disk full");
  CHECK_FALSE(body.is_complete());
}

TEST_CASE("an answer without an ETag is not an object, and another one may be") {
  const WriteFn sink = [](ByteSpan) -> Result<void> { return {}; };
  for (const int status : {200, 206}) {
    http::Response head;
    head.status = status;
    head.headers = {{"content-length", "26"}, {"content-range", "bytes 0-25/26"}};
    RangedBody body("k", {0, 0}, sink);
    CHECK(body.on_head(head).error().code == Code::Unavailable);
  }
}

TEST_CASE("an object is identified only by a strong ETag") {
  const WriteFn sink = [](ByteSpan) -> Result<void> { return {}; };
  RangedBody strong("k", {0, 0}, sink);
  REQUIRE(strong.on_head(head_of(200, {{"etag", "\"abc\""}})).has_value());
  CHECK(strong.etag() == "\"abc\"");
  RangedBody weak("k", {0, 0}, sink);
  REQUIRE(weak.on_head(head_of(200, {{"etag", "W/\"abc\""}})).has_value());
  CHECK(weak.etag().empty());
}
