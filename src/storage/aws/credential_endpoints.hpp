// Temporary credentials from a service: STS for a role, or the service of a container or an
// instance.
//
// Errors: Denied (refused, or wrongly configured), Unavailable (no answer, or an unreadable one),
// Cancelled and Deadline (of the transport). No error shows a token or a key. Each request is tried
// twice at once; the caller waits before it asks again. Sources: AWS SDKs and Tools Reference
// Guide; AWS STS API Reference, AssumeRoleWithWebIdentity.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/storage/aws/credentials.hpp"
#include "walwrap/storage/aws/s3_location.hpp"
#include "walwrap/storage/aws/static_credentials.hpp"

namespace walwrap::storage {

struct CredentialService {
  const LookupFn& environment;  // borrowed, like everything here
  http::Transport& transport;
  std::string_view region;

  // Limits of one request (Law 5). An instance's service is near or missing. A container's service
  // may ask others before it answers.
  static constexpr std::chrono::seconds kInstanceLimit{1};
  static constexpr std::chrono::seconds kContainerLimit{5};
  static constexpr std::chrono::seconds kStsLimit{10};
  static constexpr Bytes kAnswerLimit = 64 << 10;
  static constexpr int kTries = 2;
};

// Sends an unsigned request with the token that is in the role's file now.
Result<Credentials> take_role(const WebIdentity& role, const CredentialService& service);

// Absent: no address is set.
Result<Finding> ask_container(const CredentialService& service);

// Absent: switched off, or this machine is not an instance, or the instance has no role. `Must`:
// the service has given credentials before, so no answer is an outage.
enum class Instance { May, Must };
Result<Finding> ask_instance(const CredentialService& service, Instance instance);

}  // namespace walwrap::storage
