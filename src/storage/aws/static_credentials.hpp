// Credentials on this machine: in the environment, in files that it names, and in the profile files
// of the AWS tools. And the configured role, which STS gives.
//
// Each call reads everything again. Errors: Denied (what is wrong and what to set), Unavailable
// (the disk does not answer). No error shows a value that may be a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/storage/aws/credentials.hpp"
#include "walwrap/storage/aws/s3_location.hpp"

namespace walwrap::storage {

struct WebIdentity {
  std::string role_arn;
  os::Path token_file;  // read when the role is assumed, because its owner renews it
  std::string session_name;
  std::string source;  // "web identity", "profile x"
};

// The result of a source: credentials, a role that gives some, or the reason for neither.
struct Finding {
  std::optional<Credentials> credentials = {};
  std::optional<WebIdentity> role = {};
  std::string absent = {};  // "no AWS_ACCESS_KEY_ID in the environment"
};

// A variable that is set and not empty.
std::optional<std::string> value_of(const LookupFn& environment, std::string_view name);
// A secret in a file, without the line break at its end. `what` is the variable that names the
// file.
Result<Secret<std::string>> read_secret(std::string_view what, const os::Path& path);

Result<Finding> find_in_environment(const LookupFn& environment);
Result<Finding> find_web_identity(const LookupFn& environment);
Result<Finding> find_in_profile(const LookupFn& environment);

}  // namespace walwrap::storage
