// An S3 server in memory, behind Transport: it checks signatures and hashes, knows conditions,
// ranges, listings in pages and multipart uploads, and misbehaves to order.
//
// One FakeS3 holds one bucket, addressed by path; any number of FakeS3Transports, one per thread,
// ask it and must not outlive it. Semantics are those of the AWS S3 API reference; the knobs are
// what others do differently (docs of each provider), and what no server does on demand.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/s3_parts.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/http/uri.hpp"
#include "walwrap/storage/aws/s3_sign.hpp"

namespace walwrap::testing {

struct S3Call {
  std::string what;  // "GET /app/k?x=y", decoded, without the bucket
  std::map<std::string, std::string> headers;
  Bytes body = 0;
};

class FakeS3 {
 public:
  // What this server does differently. Set before it is used.
  std::string bucket = "bucket";
  S3Owner owner;
  std::size_t page_keys = 1000;
  bool ignores_conditions = false;            // of a PUT, silently
  bool refuses_conditions = false;            // of a PUT, as Backblaze B2: 501
  bool ignores_completion_condition = false;  // as Ceph RGW 16
  bool takes_bare_etags_only = false;         // in If-Match, as Ceph RGW 16
  bool ignores_ranges = false;
  bool knows_multi_delete = true;
  std::set<std::string> locked;  // may not be removed
  Bytes smallest_part = 5 << 20;
  std::function<WallTime()> now = [] { return WallTime{}; };
  // Asked at the start of each request, under the lock; `number` counts from 1.
  std::function<std::optional<S3Fault>(const S3Call& call, int number)> fault;

  void set(const std::string& key, std::string bytes) {
    const std::lock_guard lock(mutex_);
    store(key, std::move(bytes), {});
  }
  void erase(const std::string& key) {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
  }
  std::optional<std::string> bytes_of(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? std::nullopt : std::optional(found->second.bytes);
  }
  std::vector<std::string> keys() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects_) keys.push_back(key);
    return keys;
  }
  std::size_t unfinished_uploads() const {
    const std::lock_guard lock(mutex_);
    return uploads_.size();
  }
  std::vector<S3Call> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  void forget_calls() {
    const std::lock_guard lock(mutex_);
    calls_.clear();
  }
  // How many calls begin so.
  int count(std::string_view what) const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::count_if(calls_.begin(), calls_.end(), [&](const S3Call& call) {
      return std::string_view(call.what).starts_with(what);
    }));
  }

  Result<http::Response> perform(const http::Request& request);

 private:
  struct Object {
    std::string bytes;
    std::string etag;
    std::string timestamp;
    WallTime modified;
  };
  struct Upload {
    std::string key;
    std::string timestamp;
    std::map<int, std::string> parts;
  };

  static Result<http::Response> deliver(const http::Request& request, http::Response response,
                                        bool breaks_off);
  S3Asked read(const http::Request& request) const;
  std::optional<http::Response> refuse_condition(const S3Asked& asked) const;
  http::Response answer(const S3Asked& asked);
  http::Response put(const S3Asked& asked);
  http::Response get(const S3Asked& asked, bool short_range) const;
  http::Response list(const S3Asked& asked) const;
  http::Response remove_many(const S3Asked& asked);
  http::Response upload(const S3Asked& asked);
  http::Response complete(const S3Asked& asked, const Upload& upload);
  const Object& store(const std::string& key, std::string bytes, std::string timestamp);

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  std::vector<S3Call> calls_;
  int ids_ = 0;
};

inline const FakeS3::Object& FakeS3::store(const std::string& key, std::string bytes,
                                           std::string timestamp) {
  // Not what S3 computes, but as its etags are: of these bytes.
  auto etag = fmt::format("\"{}\"", storage::sha256_hex(as_bytes(bytes)).substr(0, 32));
  return objects_
      .insert_or_assign(key, Object{std::move(bytes), std::move(etag), std::move(timestamp), now()})
      .first->second;
}

inline S3Asked FakeS3::read(const http::Request& request) const {
  const auto uri = http::parse_uri(request.url);
  WW_CHECK(uri.has_value());
  S3Asked asked;
  asked.method = request.method;
  asked.query = uri->query;
  for (const auto& field : request.headers) asked.headers.emplace(field.name, field.value);
  asked.body = as_text(request.body);
  const std::string root = "/" + bucket;
  if (uri->path.starts_with(root + "/")) asked.key = uri->path.substr(root.size() + 1);
  asked.has_bucket = uri->path == root || uri->path == root + "/" || !asked.key.empty();
  return asked;
}

inline Result<http::Response> FakeS3::perform(const http::Request& request) {
  std::unique_lock lock(mutex_);
  const S3Asked asked = read(request);
  std::string what = fmt::format("{} /{}", http::method_name(request.method), asked.key);
  char mark = '?';
  for (const auto& [name, value] : asked.query) {
    what += fmt::format("{}{}={}", std::exchange(mark, '&'), name, value);
  }
  calls_.push_back({what, asked.headers, request.body.size()});
  const auto bad =
      fault ? fault(calls_.back(), static_cast<int>(calls_.size())) : std::optional<S3Fault>();
  using Kind = S3Fault::Kind;
  const auto is = [&](Kind kind) { return bad && bad->kind == kind; };
  if (is(Kind::Unreachable)) return fail(Code::Unavailable, "connection refused");
  http::Response response;
  if (is(Kind::Answer) || is(Kind::AnswerInside)) {
    response = bad->answer;
  } else if (auto refused = refuse_access(request, asked, owner, now())) {
    response = *std::move(refused);
  } else if (!asked.has_bucket) {
    response = refuse(404, "NoSuchBucket");
  } else if (is(Kind::ShortRange)) {
    response = get(asked, true);
  } else {
    response = answer(asked);
  }
  lock.unlock();
  if (is(Kind::LostReply)) return fail(Code::Unknown, "connection reset");
  response.headers.push_back({"date", http_date(now())});
  if (request.method == http::Method::Head) response.body.clear();
  return deliver(request, std::move(response), is(Kind::BreaksOff));
}

// As libcurl does: the head, then the body in pieces.
inline Result<http::Response> FakeS3::deliver(const http::Request& request, http::Response response,
                                              bool breaks_off) {
  const ByteVector body = std::exchange(response.body, {});
  if (request.method != http::Method::Head) {
    response.headers.push_back({"content-length", fmt::format("{}", body.size())});
  }
  const bool is_success = response.status / 100 == 2;
  if (is_success && request.on_head) TRY(request.on_head(response));
  const std::size_t size = breaks_off ? body.size() / 2 : body.size();
  if (!is_success || !request.sink) {
    if (breaks_off) return fail(Code::Unknown, "connection reset");
    if (body.size() > request.response_limit) return fail(Code::Corrupt, "answer too large");
    response.body = body;
    return response;
  }
  constexpr std::size_t kPiece = 1'000;
  for (std::size_t at = 0; at < size; at += kPiece) {
    TRY(request.sink(ByteSpan(body).subspan(at, std::min(kPiece, size - at))));
  }
  if (breaks_off) return fail(Code::Unknown, "connection reset");
  return response;
}

inline http::Response FakeS3::answer(const S3Asked& asked) {
  using http::Method;
  if (asked.key.empty()) {
    if (asked.method == Method::Get && asked.has("list-type")) return list(asked);
    if (asked.method == Method::Post && asked.has("delete")) return remove_many(asked);
    return refuse(405, "MethodNotAllowed");
  }
  if (asked.has("uploads") || asked.has("uploadId")) return upload(asked);
  switch (asked.method) {
    case Method::Put:
      return put(asked);
    case Method::Get:
    case Method::Head:
      return get(asked, false);
    case Method::Delete:
      objects_.erase(asked.key);
      return respond(204);
    case Method::Post:
      break;
  }
  return refuse(405, "MethodNotAllowed");
}

inline std::optional<http::Response> FakeS3::refuse_condition(const S3Asked& asked) const {
  if (asked.header("if-none-match") != "*" || ignores_conditions) return std::nullopt;
  if (refuses_conditions) {
    return refuse(501, "NotImplemented", "<Header>If-None-Match</Header>");
  }
  if (objects_.contains(asked.key)) return refuse(412, "PreconditionFailed");
  return std::nullopt;
}

inline http::Response FakeS3::put(const S3Asked& asked) {
  if (auto refused = refuse_condition(asked)) return *std::move(refused);
  const auto& object =
      store(asked.key, asked.body, asked.header("x-amz-meta-litestream-timestamp"));
  return respond(200, {{"etag", object.etag}});
}

inline http::Response FakeS3::get(const S3Asked& asked, bool short_range) const {
  const auto found = objects_.find(asked.key);
  if (found == objects_.end()) return refuse(404, "NoSuchKey");
  const Object& object = found->second;
  const auto bare = object.etag.substr(1, object.etag.size() - 2);
  const auto if_match = asked.header("if-match");
  const bool matches =
      if_match == bare || (if_match == object.etag && !takes_bare_etags_only) || if_match.empty();
  if (!matches) return refuse(412, "PreconditionFailed");
  std::vector<http::HeaderField> headers = {{"etag", object.etag},
                                            {"last-modified", http_date(object.modified)}};
  if (!object.timestamp.empty()) {
    headers.push_back({"x-amz-meta-litestream-timestamp", object.timestamp});
  }
  if (asked.method == http::Method::Head) {
    headers.push_back({"content-length", fmt::format("{}", object.bytes.size())});
    return respond(200, headers);
  }
  const std::string range = asked.header("range");  // bytes=5-9, bytes=5-
  if (range.empty() || ignores_ranges) return respond(200, headers, object.bytes);
  const auto dash = range.find('-');
  const auto first = std::stoull(range.substr(6, dash - 6));
  const auto size = object.bytes.size();
  if (first >= size) return refuse(416, "InvalidRange");
  const auto wanted = dash + 1 < range.size() ? std::stoull(range.substr(dash + 1)) + 1 : size;
  auto length = std::min<std::size_t>(wanted, size) - first;
  if (short_range) length = (length + 1) / 2;
  headers.push_back(
      {"content-range", fmt::format("bytes {}-{}/{}", first, first + length - 1, size)});
  return respond(206, headers, std::string_view(object.bytes).substr(first, length));
}

inline http::Response FakeS3::list(const S3Asked& asked) const {
  const auto query = [&](const std::string& name) {
    const auto found = asked.query.find(name);
    return found == asked.query.end() ? std::string() : found->second;
  };
  const auto prefix = query("prefix");
  // The token is the last key of the page before, made unlike a key.
  const auto continued = query("continuation-token");
  const auto after =
      continued.empty() ? query("start-after") : continued.substr(continued.find('/') + 1);
  const bool is_encoded = query("encoding-type") == "url";
  std::string xml;
  std::size_t count = 0;
  std::string last;
  bool is_truncated = false;
  for (auto object = objects_.upper_bound(after); object != objects_.end(); ++object) {
    const auto& [key, value] = *object;
    if (!key.starts_with(prefix)) continue;
    if (count++ == page_keys) {
      is_truncated = true;
      break;
    }
    last = key;
    xml += fmt::format(
        "<Contents><Key>{}</Key><LastModified>{}</LastModified><Size>{}</Size></Contents>",
        is_encoded ? http::percent_encode(key, http::Slash::Encode) : key,
        format_rfc3339(value.modified), value.bytes.size());
  }
  if (is_truncated) {
    xml += fmt::format("<NextContinuationToken>+=&amp;/{}</NextContinuationToken>", last);
  }
  return respond(200, {},
                 fmt::format("<?xml version=\"1.0\"?><ListBucketResult>{}<IsTruncated>{}"
                             "</IsTruncated><KeyCount>{}</KeyCount>{}</ListBucketResult>",
                             is_encoded ? "<EncodingType>url</EncodingType>" : "", is_truncated,
                             std::min(count, page_keys), xml));
}

inline http::Response FakeS3::remove_many(const S3Asked& asked) {
  if (!knows_multi_delete) return refuse(501, "NotImplemented");
  if (!asked.headers.contains("content-md5")) return refuse(400, "InvalidRequest");
  const auto keys = texts_between(asked.body, "Key");
  if (keys.empty() || keys.size() > 1000) return refuse(400, "MalformedXML");
  std::string xml;
  for (const std::string& key : keys) {
    if (locked.contains(key)) {
      xml += fmt::format("<Error><Key>{}</Key><Code>AccessDenied</Code></Error>", key);
    } else {
      objects_.erase(key);
    }
  }
  return respond(200, {}, fmt::format("<DeleteResult>{}</DeleteResult>", xml));
}

inline http::Response FakeS3::upload(const S3Asked& asked) {
  if (asked.has("uploads")) {
    const auto id = fmt::format("id/{}=", ++ids_);
    uploads_[id] = {asked.key, asked.header("x-amz-meta-litestream-timestamp"), {}};
    return respond(200, {},
                   fmt::format("<InitiateMultipartUploadResult><UploadId>{}</UploadId>"
                               "</InitiateMultipartUploadResult>",
                               id));
  }
  const auto found = uploads_.find(asked.query.at("uploadId"));
  if (found == uploads_.end() || found->second.key != asked.key) return refuse(404, "NoSuchUpload");
  if (asked.method == http::Method::Put) {
    const int number = std::stoi(asked.query.at("partNumber"));
    found->second.parts[number] = asked.body;
    return respond(200, {{"etag", fmt::format("\"{}-{}\"", number, asked.body.size())}});
  }
  if (asked.method == http::Method::Post) {
    const Upload upload = found->second;
    auto response = complete(asked, upload);
    if (response.status == 200) uploads_.erase(asked.query.at("uploadId"));
    return response;
  }
  uploads_.erase(found);
  return respond(204);
}

inline http::Response FakeS3::complete(const S3Asked& asked, const Upload& upload) {
  if (!ignores_completion_condition) {
    if (auto refused = refuse_condition(asked)) return *std::move(refused);
  }
  const auto numbers = texts_between(asked.body, "PartNumber");
  const auto etags = texts_between(asked.body, "ETag");
  if (numbers.empty() || numbers.size() != etags.size()) return refuse(400, "MalformedXML");
  std::string whole;
  int before = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int number = std::stoi(numbers[i]);
    if (number <= before) return refuse(400, "InvalidPartOrder");
    before = number;
    const auto part = upload.parts.find(number);
    if (part == upload.parts.end()) return refuse(400, "InvalidPart");
    const auto named = fmt::format("{}-{}", number, part->second.size());
    if (etags[i].find(named) == std::string::npos) return refuse(400, "InvalidPart");
    const bool is_last = i + 1 == numbers.size();
    const bool differs = part->second.size() != upload.parts.begin()->second.size();
    if (!is_last && (part->second.size() < smallest_part || differs)) {
      return refuse(400, "EntityTooSmall");
    }
    whole += part->second;
  }
  store(asked.key, std::move(whole), upload.timestamp);
  return respond(200, {},
                 "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>x</ETag>"
                 "</CompleteMultipartUploadResult>");
}

class FakeS3Transport : public http::Transport {
 public:
  explicit FakeS3Transport(FakeS3& server) : server_(server) {}
  Result<http::Response> perform(const http::Request& request) override {
    return server_.perform(request);
  }

 private:
  FakeS3& server_;
};

}  // namespace walwrap::testing
