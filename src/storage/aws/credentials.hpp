// Who we are to the store: the keys in use, where they are from, and until when they are good.
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

// What chains of several threads share, so that one fetch serves all of them. Only for chains over
// the same environment; it outlives them.
using SharedCredentials = os::Published<std::optional<Credentials>>;

}  // namespace walwrap::storage
