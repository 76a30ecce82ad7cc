// What an S3 server in memory is made of: faults to order, a request as it reads it, and the check
// of who asks.
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walwrap/http/transport.hpp"
#include "walwrap/storage/aws/s3_sign.hpp"

namespace walwrap::testing {

// What the server, or the way to it, does instead of answering.
struct S3Fault {
  enum class Kind {
    Answer,        // `answer`, and nothing happens
    Unreachable,   // nothing happens
    LostReply,     // it happens, and nobody hears of it
    BreaksOff,     // half of the body, then nothing
    ShortRange,    // a range with half of the bytes asked for, and a header that says so
    AnswerInside,  // 200, and `answer`'s body: an error that came late
  };
  Kind kind = Kind::Unreachable;
  http::Response answer{};

  static S3Fault error(int status, std::string_view code, std::string_view inside = "",
                       std::vector<http::HeaderField> headers = {}) {
    S3Fault fault{Kind::Answer, {}};
    fault.answer.status = status;
    fault.answer.headers = std::move(headers);
    const auto xml =
        fmt::format("<Error><Code>{}</Code><Message>injected</Message>{}</Error>", code, inside);
    fault.answer.body.assign(as_bytes(xml).begin(), as_bytes(xml).end());
    return fault;
  }
  static S3Fault inside_200(std::string_view code) {
    auto fault = error(200, code);
    fault.kind = Kind::AnswerInside;
    return fault;
  }
  static S3Fault unreachable() { return {Kind::Unreachable, {}}; }
  static S3Fault lost_reply() { return {Kind::LostReply, {}}; }
  static S3Fault breaks_off() { return {Kind::BreaksOff, {}}; }
  static S3Fault short_range() { return {Kind::ShortRange, {}}; }
};

// Whose bucket it is, and where.
struct S3Owner {
  std::string access_key = "key";
  std::string secret = "secret";
  std::string token;  // "": none is wanted
  std::string region = "us-east-1";
};

struct S3Asked {
  http::Method method = http::Method::Get;
  bool has_bucket = false;
  std::string key;  // "": the bucket
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;
  std::string body;
  bool has(const std::string& name) const { return query.contains(name); }
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

inline http::Response respond(int status, std::vector<http::HeaderField> headers = {},
                              std::string_view body = "") {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  response.body.assign(as_bytes(body).begin(), as_bytes(body).end());
  return response;
}
inline http::Response refuse(int status, std::string_view code, std::string_view inside = "") {
  return S3Fault::error(status, code, inside).answer;
}

// What comes between two tags, for each time that they come.
inline std::vector<std::string> texts_between(std::string_view xml, std::string_view tag) {
  const auto open = fmt::format("<{}>", tag);
  const auto close = fmt::format("</{}>", tag);
  std::vector<std::string> texts;
  for (auto at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
    at += open.size();
    texts.emplace_back(xml.substr(at, xml.find(close, at) - at));
  }
  return texts;
}

inline std::string http_date(WallTime time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     std::chrono::time_point_cast<std::chrono::seconds>(time));
}

// The signature is that of exactly what came over the wire.
inline std::optional<http::Response> refuse_access(const http::Request& request,
                                                   const S3Asked& asked, const S3Owner& owner,
                                                   WallTime now) {
  const auto authorization = asked.header("authorization");
  const auto between = [&](std::string_view from, std::string_view to) {
    const auto at = authorization.find(from);
    if (at == std::string::npos) return std::string();
    const auto begin = at + from.size();
    return authorization.substr(begin, authorization.find(to, begin) - begin);
  };
  const auto scope = between("Credential=", ",");
  if (!scope.starts_with(owner.access_key + "/")) return refuse(403, "InvalidAccessKeyId");
  if (asked.header("x-amz-security-token") != owner.token) return refuse(400, "ExpiredToken");
  if (scope.find("/" + owner.region + "/") == std::string::npos) {
    return refuse(400, "AuthorizationHeaderMalformed",
                  fmt::format("<Region>{}</Region>", owner.region));
  }
  const auto hash = storage::sha256_hex(request.body);
  if (asked.header("x-amz-content-sha256") != hash) return refuse(400, "XAmzContentSHA256Mismatch");
  if (asked.headers.contains("content-md5") &&
      asked.header("content-md5") != storage::md5_base64(request.body)) {
    return refuse(400, "BadDigest");
  }
  auto stamp = asked.header("x-amz-date");  // 20260101T000000Z
  if (stamp.size() != 16) return refuse(403, "AccessDenied");
  stamp =
      fmt::format("{}-{}-{}T{}:{}:{}Z", stamp.substr(0, 4), stamp.substr(4, 2), stamp.substr(6, 2),
                  stamp.substr(9, 2), stamp.substr(11, 2), stamp.substr(13, 2));
  const auto time = parse_rfc3339(stamp);
  if (!time) return refuse(403, "AccessDenied");
  if (*time > now + std::chrono::minutes(15) || *time < now - std::chrono::minutes(15)) {
    return refuse(403, "RequestTimeTooSkewed");
  }
  const auto path_at = request.url.find('/', request.url.find("://") + 3);
  const auto query_at = std::min(request.url.find('?'), request.url.size());
  storage::ToSign to_sign;
  to_sign.method = request.method;
  to_sign.path = std::string_view(request.url).substr(path_at, query_at - path_at);
  if (query_at < request.url.size()) {
    to_sign.query = std::string_view(request.url).substr(query_at + 1);
  }
  const auto is_signed = ";" + between("SignedHeaders=", ",") + ";";
  for (const auto& field : request.headers) {
    const bool is_added = field.name == "x-amz-date" || field.name == "x-amz-content-sha256" ||
                          field.name == "x-amz-security-token";
    if (is_added || is_signed.find(";" + field.name + ";") == std::string::npos) continue;
    to_sign.headers.push_back(field);
  }
  to_sign.payload_hash = hash;
  to_sign.region = owner.region;
  to_sign.time = *time;
  const auto expected = storage::Signer().sign(
      to_sign,
      {owner.access_key, Secret<std::string>(owner.secret), Secret<std::string>(owner.token)});
  for (const auto& field : expected) {
    if (field.name == "authorization" && field.value == authorization) return std::nullopt;
  }
  return refuse(403, "SignatureDoesNotMatch");
}

}  // namespace walwrap::testing
