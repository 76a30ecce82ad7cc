// AWS Signature Version 4, header form, for S3 and STS. Pure; OpenSSL computes the hashes.
//
// Source: AWS "Signature Version 4 signing process" and its published test suite. S3 mode: the path
// is encoded once, by the caller, and not normalised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/http/message.hpp"

namespace walwrap::storage {

std::string sha256_hex(ByteSpan bytes);
std::string md5_base64(ByteSpan bytes);                                   // for Content-MD5
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";  // only over TLS

struct SigningKeys {
  std::string access_key_id;
  Secret<std::string> secret_access_key;
  Secret<std::string> session_token;  // "": none
};
bool is_same(const SigningKeys& left, const SigningKeys& right);

struct ToSign {
  http::Method method = http::Method::Get;
  std::string_view path;   // encoded
  std::string_view query;  // encoded, sorted by encoded bytes, "name=" without a value
  // All of these are signed, and `host` must be one of them. sign() adds x-amz-date,
  // x-amz-content-sha256 and the session token.
  std::vector<http::HeaderField> headers;
  std::string_view payload_hash;  // of the body, or kUnsignedPayload
  std::string_view region;
  std::string_view service = "s3";
  WallTime time;
};

std::string canonical_request(const ToSign& request);
std::string string_to_sign(const ToSign& request, std::string_view canonical);

// The headers to send: those given, x-amz-date, x-amz-content-sha256 (s3 only),
// x-amz-security-token if there is one, and authorization.
class Signer {
 public:
  std::vector<http::HeaderField> sign(ToSign request, const SigningKeys& keys);

 private:
  // The last signing key and its inputs: it changes once a day.
  std::string derived_for_;
  Secret<std::string> derived_;
};

}  // namespace walwrap::storage
