// Finds credentials in the chain of places that the AWS tools look in, and keeps them fresh.
//
// Order: environment (also *_FILE, and the names of other platforms: LITESTREAM_*, BUCKETEER_AWS_*,
// SPACES_*), web identity, profile files, container, instance. The first source that is set up
// answers; if it fails, the chain does not fall through to another identity, then or later.
// Secrets are never logged. Owned by one thread.
#pragma once

#include <memory>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/aws/credentials.hpp"
#include "walwrap/storage/aws/s3_location.hpp"

namespace walwrap::storage {

class CredentialChain {
 public:
  struct Options {
    LookupFn environment;        // copied: what is in it is read when needed
    http::Transport& transport;  // borrowed; for metadata services and STS
    const os::Clock& clock;
    const Log& log;  // debug: which source answered; warn: a refresh that failed
    std::string region;
    SharedCredentials* shared = nullptr;  // borrowed; none: this chain fetches for itself
  };
  explicit CredentialChain(Options options);
  ~CredentialChain();
  CredentialChain(CredentialChain&&) noexcept;

  // Fresh for at least a while: refreshed five minutes before they expire, and what has not expired
  // is used on when a refresh fails. Errors: Denied (none found, or refused: names what was looked
  // at and what to set), Unavailable (the service that gives them does not answer), and Cancelled
  // and Deadline of the transport.
  Result<Credentials> get();
  // The store said that they have expired: the next get() fetches new ones, at most once in ten
  // seconds.
  void forget();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace walwrap::storage
