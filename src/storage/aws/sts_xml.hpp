// The XML of STS's answers. Pure: text in, values out. Source: AWS STS API Reference,
// AssumeRoleWithWebIdentity.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::storage {

struct StsCredentials {
  std::string access_key_id;
  Secret<std::string> secret_access_key;
  Secret<std::string> session_token;
  WallTime expires;
};
Result<StsCredentials> parse_web_identity(std::string_view xml);  // AssumeRoleWithWebIdentity

struct StsError {
  std::string code;  // "AccessDenied"; "": the body was not an error of STS
  std::string message;
};
// For an answer that is not a success.
StsError parse_sts_error(std::string_view xml);

}  // namespace walwrap::storage
