// The credentials in use, their source, and when they expire.
#pragma once

#include <optional>
#include <string>

#include "walwrap/base/types.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/storage/aws/s3_sign.hpp"

namespace walwrap::storage {

enum class CredentialSource { Environment, WebIdentity, Profile, Container, Instance };

struct Credentials {
  SigningKeys keys;
  std::optional<WallTime> expires = {};  // nullopt: never
  CredentialSource kind = CredentialSource::Environment;
  std::string source = {};  // for people: "environment", "profile default", "instance role x"
};

// Credentials that the chains of several threads share, so that one fetch serves all. Only for
// chains over the same environment. It must outlive them.
using SharedCredentials = os::Published<std::optional<Credentials>>;

}  // namespace walwrap::storage
