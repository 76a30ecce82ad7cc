#include "walwrap/storage/s3/s3_errors.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/text.hpp"

namespace walwrap::storage {
namespace {

using testing::has;
using M = Meaning;

struct Row {
  int status;
  std::string code;
  Effect effect;
  Meaning expected;
  std::string body = {};    // of what is no S3 error
  std::string region = {};  // that the error names
};
constexpr auto R = Effect::Reads;
constexpr auto W = Effect::Writes;

Meaning meaning(const Row& row) {
  http::Response response;
  response.status = row.status;
  const auto bytes = as_bytes(row.body);
  response.body.assign(bytes.begin(), bytes.end());
  S3Error error;
  error.code = row.code;
  error.region = row.region;
  return meaning_of({.response = response, .error = error, .effect = row.effect});
}

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.status);
    CAPTURE(row.code);
    CHECK(meaning(row) == row.expected);
  }
}

TEST_CASE("an answer tells done, absent and already existing apart") {
  check({{200, "", R, M::Done},
         {204, "", W, M::Done},
         {206, "", R, M::Done},
         {404, "NoSuchKey", R, M::NotThere},
         {404, "NoSuchUpload", W, M::NotThere},
         {404, "NoSuchVersion", R, M::NotThere},
         {404, "", R, M::NotThere},  // HEAD has no body
         {404, "NoSuchBucket", R, M::NoBucket},
         {404, "NoSuchBucket", W, M::NoBucket},
         {412, "PreconditionFailed", W, M::ExistsAlready},
         {412, "", W, M::ExistsAlready},
         {412, "PreconditionFailed", R, M::Changed},
         {412, "", R, M::Changed},
         {304, "", R, M::Changed},
         {416, "InvalidRange", R, M::OutOfRange},
         {416, "", R, M::OutOfRange}});
}

TEST_CASE("a proxy's page is not an answer of the store") {
  check({{404, "", R, M::Malformed, "<html>nothing here</html>"},
         {302, "", R, M::WrongRegion, "<html>log in</html>"},
         {100, "", R, M::Malformed},
         {0, "", R, M::Malformed},
         {502, "", R, M::Unavailable, "<html>bad gateway</html>"},
         {502, "", W, M::Unknown, "<html>bad gateway</html>"}});
}

TEST_CASE("a refusal for missing rights is neither absence nor a temporary failure") {
  check({{403, "AccessDenied", R, M::Denied},
         {403, "AccessDenied", W, M::Denied},
         {403, "", R, M::Denied},
         {401, "", R, M::Denied},
         {403, "AllAccessDisabled", R, M::Denied},
         {403, "AccountProblem", R, M::Denied},
         {403, "NotSignedUp", R, M::Denied},
         {403, "SignatureDoesNotMatch", W, M::Denied},
         {403, "InvalidAccessKeyId", W, M::Denied},
         {403, "SomethingNew", W, M::Denied},
         {400, "AuthorizationHeaderMalformed", R, M::Denied}});
}

TEST_CASE("errors that can be corrected once are recognised") {
  check({{403, "RequestTimeTooSkewed", W, M::ClockSkew},
         {403, "RequestExpired", R, M::ClockSkew},
         {403, "ExpiredToken", W, M::CredentialsExpired},
         {400, "ExpiredToken", W, M::CredentialsExpired},
         {400, "InvalidToken", R, M::CredentialsExpired},
         {400, "TokenRefreshRequired", R, M::CredentialsExpired},
         {403, "ExpiredTokenException", R, M::CredentialsExpired},
         {301, "PermanentRedirect", R, M::WrongRegion},
         {307, "TemporaryRedirect", W, M::WrongRegion},
         {301, "", R, M::WrongRegion},
         {308, "", R, M::WrongRegion},
         {400, "AuthorizationHeaderMalformed", R, M::WrongRegion, "", "eu-west-1"},
         {400, "IllegalLocationConstraintException", W, M::WrongRegion}});
}

TEST_CASE("temporary errors are repeated: at once, later, or with the same bytes") {
  check({{503, "SlowDown", W, M::Throttled},
         {503, "SlowDownWrite", W, M::Throttled},
         {503, "SlowDownRead", R, M::Throttled},
         {503, "ServiceUnavailable", W, M::Throttled},
         {503, "", R, M::Throttled},
         {429, "", R, M::Throttled},
         {429, "TooManyRequests", W, M::Throttled},
         {400, "ThrottlingException", R, M::Throttled},
         {503, "RequestLimitExceeded", R, M::Throttled},
         {509, "BandwidthLimitExceeded", R, M::Throttled},
         {500, "InternalError", W, M::Unknown},
         {500, "InternalError", R, M::Unavailable},
         {500, "", W, M::Unknown},
         {500, "", R, M::Unavailable},
         {504, "", W, M::Unknown},
         {599, "", W, M::Unknown},
         {400, "RequestTimeout", W, M::Unknown},
         {400, "RequestTimeout", R, M::Unavailable},
         {408, "RequestCanceled", W, M::Unavailable},
         {408, "", W, M::Unavailable},
         {409, "ConditionalRequestConflict", W, M::Unknown},
         {409, "OperationAborted", W, M::Unknown},
         {409, "", W, M::Unknown},
         {400, "IncompleteBody", W, M::Unavailable},
         {400, "BadDigest", W, M::Unavailable},
         {400, "XAmzContentSHA256Mismatch", W, M::Unavailable},
         {507, "XMinioStorageFull", W, M::Unavailable},
         {507, "", W, M::Unavailable},
         {403, "QuotaExceeded", W, M::Unavailable}});
}

TEST_CASE("an error in a 200 answer is an error") {
  check({{200, "InternalError", W, M::Unknown},
         {200, "SlowDown", W, M::Throttled},
         {200, "SomethingNew", W, M::Unknown},
         {200, "AccessDenied", W, M::Denied}});
}

TEST_CASE("permanent errors are not repeated") {
  check({{501, "NotImplemented", W, M::NotImplemented},
         {501, "", W, M::NotImplemented},
         {405, "MethodNotAllowed", W, M::NotImplemented},
         {405, "", W, M::NotImplemented},
         {400, "InvalidRequest", W, M::Refused},
         {400, "EntityTooSmall", W, M::Refused},
         {400, "", W, M::Refused},
         {411, "", W, M::Refused},
         {414, "", R, M::Refused}});
}

Error error(Meaning meaning, int status, const std::string& code, const std::string& message = "") {
  http::Response response;
  response.status = status;
  S3Error s3;
  s3.code = code;
  s3.message = message;
  return error_of(meaning, {.response = response, .error = s3, .effect = R}, "get app/k");
}

TEST_CASE("an error gives the request, the store's answer and what to do") {
  struct Said {
    Error error;
    Code code;
    std::vector<std::string> parts;
  };
  const Said rows[] = {
      {error(M::NotThere, 404, "NoSuchKey"), Code::NotFound, {"get app/k", "404 NoSuchKey"}},
      {error(M::ExistsAlready, 412, ""), Code::Exists, {"412"}},
      {error(M::Changed, 412, ""), Code::Corrupt, {"replaced while it was read"}},
      {error(M::OutOfRange, 416, ""), Code::Corrupt, {"shorter"}},
      {error(M::Denied, 403, "AccessDenied", "no"),
       Code::Denied,
       {"allow the access key", "AccessDenied: no"}},
      {error(M::Denied, 403, "SignatureDoesNotMatch"), Code::Denied, {"AWS_SECRET_ACCESS_KEY"}},
      {error(M::Denied, 403, "InvalidAccessKeyId"), Code::Denied, {"AWS_ACCESS_KEY_ID"}},
      {error(M::NoBucket, 404, "NoSuchBucket"), Code::Denied, {"create it"}},
      {error(M::ClockSkew, 403, "RequestTimeTooSkewed"), Code::Denied, {"clock"}},
      {error(M::CredentialsExpired, 403, "ExpiredToken"), Code::Denied, {"expired"}},
      {error(M::Throttled, 503, "SlowDown"), Code::Unavailable, {"503 SlowDown"}},
      {error(M::Unavailable, 500, ""), Code::Unavailable, {"(500)"}},
      {error(M::Unknown, 500, "InternalError"), Code::Unknown, {"500"}},
      {error(M::Malformed, 200, ""), Code::Unavailable, {"check the endpoint"}},
      {error(M::WrongRegion, 301, ""), Code::Invalid, {"?region="}},
      {error(M::NotImplemented, 501, ""), Code::Invalid, {"does not support"}},
      {error(M::Refused, 400, "InvalidRequest"), Code::Invalid, {"400 InvalidRequest"}},
  };
  for (const Said& row : rows) {
    CAPTURE(row.error.text);
    CHECK(row.error.code == row.code);
    for (const std::string& part : row.parts) CHECK(has(row.error.text, part));
  }
}

TEST_CASE("a long or multi-line message of a store becomes one short line") {
  const auto long_one = error(M::Denied, 403, "X", "a\nb\r" + std::string(5000, 'c'));
  CHECK(long_one.text.size() < 400);
  CHECK(long_one.text.find('\n') == std::string::npos);
}

http::Response with(const std::string& name, const std::string& value) {
  http::Response response;
  response.headers.push_back({name, value});
  return response;
}

TEST_CASE("Retry-After is seconds or a date, and at most a minute") {
  const WallTime now = parse_rfc3339("2026-01-01T00:00:00Z").value();
  const auto wait = [&](const std::string& value) {
    return retry_after(with("retry-after", value), now).count();
  };
  CHECK(wait("0") == 0);
  CHECK(wait("7") == 7'000);
  CHECK(wait("3600") == 60'000);
  CHECK(wait("99999999999999999") == 60'000);
  CHECK(wait("-5") == 0);
  CHECK(wait("soon") == 0);
  CHECK(wait("Thu, 01 Jan 2026 00:00:09 GMT") == 9'000);
  CHECK(wait("Wed, 31 Dec 2025 00:00:00 GMT") == 0);
  CHECK(retry_after({}, now).count() == 0);
}

TEST_CASE("the store's clock is read from its Date header") {
  CHECK(server_time(with("date", "Fri, 24 May 2013 00:00:00 GMT")) ==
        parse_rfc3339("2013-05-24T00:00:00Z"));
  CHECK_FALSE(server_time(with("date", "yesterday")).has_value());
  CHECK_FALSE(server_time(with("date", "Fri, 24 Foo 2013 00:00:00 GMT")).has_value());
  CHECK_FALSE(server_time({}).has_value());
}

}  // namespace
}  // namespace walwrap::storage
