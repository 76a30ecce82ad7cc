#include "walwrap/storage/aws/s3_sign.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include "walwrap/base/check.hpp"

namespace walwrap::storage {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kRequestMark = "aws4_request";
constexpr std::size_t kSha256Bytes = 32;

std::string digest(const EVP_MD* type, ByteSpan bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, type, nullptr);
  WW_CHECK(done == 1);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, kSha256Bytes> out{};
  unsigned int size = 0;
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  WW_CHECK(done != nullptr && size == out.size());
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

struct Stamp {
  std::string day;   // "20130524"
  std::string full;  // "20130524T000000Z"
};

Stamp stamp_of(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  Stamp stamp;
  stamp.day = fmt::format("{:04}{:02}{:02}", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  stamp.full = fmt::format("{}T{:02}{:02}{:02}Z", stamp.day, clock.hours().count(),
                           clock.minutes().count(), clock.seconds().count());
  return stamp;
}

// Without outer blanks, and with single blanks inside.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool is_blank = c == ' ' || c == '\t';
    if (!is_blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// By name. Values of the same name are joined in their order.
std::map<std::string, std::string> canonical_headers(const std::vector<http::HeaderField>& all) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : all) {
    const auto [place, is_new] = sorted.emplace(name, canonical_value(value));
    if (!is_new) place->second += "," + canonical_value(value);
  }
  return sorted;
}

std::string signed_names(const std::vector<http::HeaderField>& all) {
  std::string names;
  for (const auto& [name, value] : canonical_headers(all)) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string scope_of(const ToSign& request) {
  return fmt::format("{}/{}/{}/{}", stamp_of(request.time).day, request.region, request.service,
                     kRequestMark);
}

}  // namespace

bool is_same(const SigningKeys& left, const SigningKeys& right) {
  return left.access_key_id == right.access_key_id &&
         left.secret_access_key.reveal() == right.secret_access_key.reveal() &&
         left.session_token.reveal() == right.session_token.reveal();
}

std::string sha256_hex(ByteSpan bytes) {
  return hex(digest(EVP_sha256(), bytes));
}

std::string md5_base64(ByteSpan bytes) {
  const std::string sum = digest(EVP_md5(), bytes);
  std::array<unsigned char, 32> out{};  // 16 bytes become 24 characters
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(sum.data()),
                                   static_cast<int>(sum.size()));
  return {reinterpret_cast<const char*>(out.data()), static_cast<std::size_t>(size)};
}

std::string canonical_request(const ToSign& request) {
  std::string out =
      fmt::format("{}\n{}\n{}\n", http::method_name(request.method), request.path, request.query);
  for (const auto& [name, value] : canonical_headers(request.headers)) {
    out += fmt::format("{}:{}\n", name, value);
  }
  return out + fmt::format("\n{}\n{}", signed_names(request.headers), request.payload_hash);
}

std::string string_to_sign(const ToSign& request, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, stamp_of(request.time).full, scope_of(request),
                     sha256_hex(as_bytes(canonical)));
}

std::vector<http::HeaderField> Signer::sign(ToSign request, const SigningKeys& keys) {
  request.headers.push_back({"x-amz-date", stamp_of(request.time).full});
  if (request.service == "s3") {
    request.headers.push_back({"x-amz-content-sha256", std::string(request.payload_hash)});
  }
  if (!keys.session_token.reveal().empty()) {
    request.headers.push_back({"x-amz-security-token", keys.session_token.reveal()});
  }
  const std::string scope = scope_of(request);
  const std::string& secret = keys.secret_access_key.reveal();
  // The secret is identified by its hash, so that no copy of it is kept here.
  std::string derived_for = scope + sha256_hex(as_bytes(secret));
  if (derived_for != derived_for_) {
    std::string key = hmac("AWS4" + secret, stamp_of(request.time).day);
    key = hmac(key, request.region);
    key = hmac(key, request.service);
    derived_ = Secret<std::string>(hmac(key, kRequestMark));
    derived_for_ = std::move(derived_for);
  }
  const std::string signature =
      hex(hmac(derived_.reveal(), string_to_sign(request, canonical_request(request))));
  request.headers.push_back(
      {"authorization",
       fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                   keys.access_key_id, scope, signed_names(request.headers), signature)});
  return std::move(request.headers);
}

}  // namespace walwrap::storage
