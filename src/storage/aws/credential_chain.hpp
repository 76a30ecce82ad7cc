// Finds credentials in the sources that the AWS tools use, in their order, and keeps them fresh.
//
// Order: environment (also *_FILE, and the names of other platforms: LITESTREAM_*, BUCKETEER_AWS_*,
// SPACES_*), web identity, profile files, container, instance. The first configured source is used.
// If it fails, then or later, the chain does not try another identity. Secrets are never logged.
// Owned by one thread.
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
    LookupFn environment;        // copied: the variables are read when needed
    http::Transport& transport;  // borrowed; for metadata services and STS
    const os::Clock& clock;
    const Log& log;  // debug: the source in use; warn: a failed refresh
    std::string region;
    SharedCredentials* shared = nullptr;  // borrowed; none: not shared
  };
  explicit CredentialChain(Options options);
  ~CredentialChain();
  CredentialChain(CredentialChain&&) noexcept;

  // Valid for some time: refreshed five minutes before they expire. If a refresh fails, unexpired
  // ones are still used. Errors: Denied (none found or refused, with the sources that were checked
  // and what to set), Unavailable (the credential service does not answer), and Cancelled and
  // Deadline of the transport.
  Result<Credentials> get();
  // The store reported that they have expired: the next get() fetches new ones, at most once in ten
  // seconds.
  void forget();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace walwrap::storage
