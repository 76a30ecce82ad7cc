#include "walwrap/storage/s3/s3_errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace walwrap::storage {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestRetryAfter{60'000};
constexpr std::size_t kMessageBytes = 200;

struct CodeRow {
  std::string_view code;
  Meaning meaning;
};
// By the store's own code, whatever the status. Sources: the AWS S3 error table, and the answers of
// RGW, MinIO, Swift, R2, B2 and Tigris.
constexpr std::array kByCode = {
    CodeRow{"NoSuchKey", Meaning::NotThere},
    CodeRow{"NoSuchUpload", Meaning::NotThere},
    CodeRow{"NoSuchBucket", Meaning::NoBucket},
    CodeRow{"ConditionalRequestConflict", Meaning::Unknown},
    CodeRow{"OperationAborted", Meaning::Unknown},
    CodeRow{"AccessDenied", Meaning::Denied},
    CodeRow{"AllAccessDisabled", Meaning::Denied},
    CodeRow{"AccountProblem", Meaning::Denied},
    CodeRow{"InvalidAccessKeyId", Meaning::Denied},
    CodeRow{"SignatureDoesNotMatch", Meaning::Denied},
    CodeRow{"NotSignedUp", Meaning::Denied},
    CodeRow{"ExpiredToken", Meaning::CredentialsExpired},
    CodeRow{"ExpiredTokenException", Meaning::CredentialsExpired},
    CodeRow{"InvalidToken", Meaning::CredentialsExpired},
    CodeRow{"TokenRefreshRequired", Meaning::CredentialsExpired},
    CodeRow{"RequestTimeTooSkewed", Meaning::ClockSkew},
    CodeRow{"RequestExpired", Meaning::ClockSkew},
    CodeRow{"SlowDown", Meaning::Throttled},
    CodeRow{"SlowDownWrite", Meaning::Throttled},
    CodeRow{"SlowDownRead", Meaning::Throttled},
    CodeRow{"Throttling", Meaning::Throttled},
    CodeRow{"ThrottlingException", Meaning::Throttled},
    CodeRow{"TooManyRequests", Meaning::Throttled},
    CodeRow{"RequestLimitExceeded", Meaning::Throttled},
    CodeRow{"BandwidthLimitExceeded", Meaning::Throttled},
    CodeRow{"ServiceUnavailable", Meaning::Throttled},
    CodeRow{"IncompleteBody", Meaning::Unavailable},
    CodeRow{"BadDigest", Meaning::Unavailable},
    CodeRow{"XAmzContentSHA256Mismatch", Meaning::Unavailable},
    CodeRow{"XAmzContentChecksumMismatch", Meaning::Unavailable},
    CodeRow{"RequestCanceled", Meaning::Unavailable},
    CodeRow{"QuotaExceeded", Meaning::Unavailable},
    CodeRow{"XMinioStorageFull", Meaning::Unavailable},
    CodeRow{"XMinioServerNotInitialized", Meaning::Unavailable},
    CodeRow{"PermanentRedirect", Meaning::WrongRegion},
    CodeRow{"TemporaryRedirect", Meaning::WrongRegion},
    CodeRow{"IllegalLocationConstraintException", Meaning::WrongRegion},
    CodeRow{"NotImplemented", Meaning::NotImplemented},
    CodeRow{"MethodNotAllowed", Meaning::NotImplemented},
    CodeRow{"InvalidRange", Meaning::OutOfRange},
};

Meaning by_effect(Effect effect) {
  return effect == Effect::Writes ? Meaning::Unknown : Meaning::Unavailable;
}

Meaning of_precondition(Effect effect) {
  return effect == Effect::Writes ? Meaning::ExistsAlready : Meaning::Changed;
}

Meaning by_status(const S3Answer& answer) {
  const int status = answer.response.status;
  switch (status) {
    case 301:
    case 302:
    case 307:
    case 308:
      return Meaning::WrongRegion;
    case 304:
      return Meaning::Changed;
    case 401:
    case 403:
      return Meaning::Denied;
    case 404:
      // A page from a proxy says nothing about the object.
      return answer.response.body.empty() ? Meaning::NotThere : Meaning::Malformed;
    case 405:
    case 501:
      return Meaning::NotImplemented;
    case 408:
    case 507:
      return Meaning::Unavailable;
    case 409:
      return Meaning::Unknown;
    case 412:
      return of_precondition(answer.effect);
    case 416:
      return Meaning::OutOfRange;
    case 429:
    case 503:
      return Meaning::Throttled;
    default:
      break;
  }
  if (status >= 500) return by_effect(answer.effect);
  return status >= 400 ? Meaning::Refused : Meaning::Malformed;
}

// What a person can do about it. "": nothing, or only wait.
std::string_view advice(Meaning meaning, const S3Error& error) {
  if (error.code == "SignatureDoesNotMatch") {
    return "the secret key does not match the access key ID; check AWS_SECRET_ACCESS_KEY";
  }
  if (error.code == "InvalidAccessKeyId") {
    return "the store does not know this access key ID; check AWS_ACCESS_KEY_ID and the endpoint";
  }
  switch (meaning) {
    case Meaning::Denied:
      return "access denied; allow the access key to list, get and put objects here";
    case Meaning::NoBucket:
      return "the bucket does not exist; create it, or check its name and the endpoint";
    case Meaning::CredentialsExpired:
      return "the credentials have expired; set new ones";
    case Meaning::ClockSkew:
      return "the clock of this machine is wrong; correct it";
    case Meaning::WrongRegion:
      return "the bucket is in another region; add ?region=NAME to the URL or set AWS_REGION";
    case Meaning::NotImplemented:
      return "the store does not support this request";
    case Meaning::Malformed:
      return "the answer is not from an S3 store; check the endpoint, and any proxy";
    case Meaning::Changed:
      return "the object was replaced while it was read";
    case Meaning::OutOfRange:
      return "the object is shorter than its listed size";
    default:
      return "";
  }
}

Code code_of(Meaning meaning) {
  switch (meaning) {
    case Meaning::NotThere:
      return Code::NotFound;
    case Meaning::ExistsAlready:
      return Code::Exists;
    case Meaning::Changed:
    case Meaning::OutOfRange:
      return Code::Corrupt;
    case Meaning::Denied:
    case Meaning::ClockSkew:
    case Meaning::CredentialsExpired:
    case Meaning::NoBucket:
      return Code::Denied;
    case Meaning::Throttled:
    case Meaning::Unavailable:
    case Meaning::Malformed:  // from a proxy: another request may reach the store
      return Code::Unavailable;
    case Meaning::Unknown:
      return Code::Unknown;
    case Meaning::WrongRegion:
    case Meaning::NotImplemented:
    case Meaning::Refused:
      return Code::Invalid;
    case Meaning::Done:
      break;
  }
  panic(__FILE__, __LINE__, "a success is not an error");
}

// On one line, without all of the text that a proxy's page may have.
std::string shorten(std::string_view text) {
  std::string out(text.substr(0, kMessageBytes));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

int month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(kMonths.begin(), kMonths.end(), name);
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin()) + 1;
}

// "Fri, 24 May 2013 00:00:00 GMT", the only form that RFC 9110 lets a server send.
std::optional<WallTime> parse_http_date(std::string_view text) {
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const int month = month_of(text.substr(8, 3));
  if (month == 0) return std::nullopt;
  return parse_rfc3339(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month, text.substr(5, 2),
                                   text.substr(17, 8)));
}

}  // namespace

Meaning meaning_of(const S3Answer& answer) {
  const int status = answer.response.status;
  const std::string_view code = answer.error.code;
  const bool is_success = status >= 200 && status < 300;
  if (is_success && code.empty()) return Meaning::Done;
  if (code == "PreconditionFailed") return of_precondition(answer.effect);
  if (code == "RequestTimeout" || code == "InternalError") return by_effect(answer.effect);
  if (code == "AuthorizationHeaderMalformed") {
    return answer.error.region.empty() ? Meaning::Denied : Meaning::WrongRegion;
  }
  const auto row = std::find_if(kByCode.begin(), kByCode.end(),
                                [&](const CodeRow& known) { return known.code == code; });
  if (row != kByCode.end()) return row->meaning;
  // An unknown error in a 200: it may have happened.
  if (is_success) return by_effect(answer.effect);
  // An unknown code still shows that the answer comes from a store.
  if (status == 404 && !code.empty()) return Meaning::NotThere;
  return by_status(answer);
}

Error error_of(Meaning meaning, const S3Answer& answer, std::string_view what) {
  std::string text(what);
  if (const auto hint = advice(meaning, answer.error); !hint.empty()) {
    text += fmt::format(": {}", hint);
  }
  text += fmt::format(" ({}", answer.response.status);
  if (!answer.error.code.empty()) text += " " + shorten(answer.error.code);
  if (!answer.error.message.empty()) text += ": " + shorten(answer.error.message);
  return Error{code_of(meaning), text + ")"};
}

milliseconds retry_after(const http::Response& response, WallTime now) {
  const std::string_view text = response.header("retry-after");
  if (text.empty()) return milliseconds(0);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  milliseconds wait{0};
  if (error == std::errc{} && end == text.data() + text.size()) {
    wait = std::chrono::seconds(
        std::clamp<std::int64_t>(seconds, 0, kLongestRetryAfter.count() / 1000));
  } else if (const auto date = parse_http_date(text)) {
    wait = *date - now;
  }
  return std::clamp(wait, milliseconds(0), kLongestRetryAfter);
}

std::optional<WallTime> server_time(const http::Response& response) {
  return parse_http_date(response.header("date"));
}

}  // namespace walwrap::storage
