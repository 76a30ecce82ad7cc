// One request to S3: addressed, signed, sent and understood, with corrections on the way.
//
// An S3Client makes one attempt with the given access, and belongs to one thread. Each upload
// thread has one. An S3Session belongs to the store: it has the credentials, the clock difference
// and the bucket's region, and corrects each of them once per request.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/aws/credential_chain.hpp"
#include "walwrap/storage/aws/s3_location.hpp"
#include "walwrap/storage/aws/s3_sign.hpp"
#include "walwrap/storage/s3/s3_errors.hpp"

namespace walwrap::storage {

struct S3Request {
  http::Method method = http::Method::Get;
  std::string key = {};  // within the replica; "": the bucket itself
  QueryPairs query = {};
  std::vector<http::HeaderField> headers = {};  // all of them are signed
  ByteSpan body = {};
  WriteFn sink = {};  // as in http::Request
  std::function<Result<void>(const http::Response& head)> on_head = {};
  std::chrono::milliseconds limit{30'000};
};
// "PUT walwrap/identity.json", for people.
std::string what_of(const S3Request& request);

struct S3Reply {
  http::Response response;
  S3Error error;  // of an answer that is not a success
  Meaning meaning = Meaning::Malformed;
};

// The code and text of a failed reply, with the store's Retry-After. A write with an unreadable
// answer is Unknown, never Corrupt: the stored data is not in doubt, only whether this write
// happened.
Error error_of(const S3Reply& reply, const S3Request& request, WallTime now);
// For an error inside a 200.
S3Reply reply_of(S3Error error);
// A retry may help, and nothing has to be corrected.
bool is_transient(Meaning meaning);

// What a request needs in addition.
struct S3Access {
  S3Location target;
  SigningKeys keys;
  std::chrono::milliseconds clock_offset{0};  // the store's clock minus the local one
};

class S3Client {
 public:
  // A slower body is not waited for (Law 5). A request's own limit is added to it.
  static constexpr Bytes kSlowestBytesPerSecond = 64 << 10;

  S3Client(std::unique_ptr<http::Transport> transport, const os::Clock& clock)
      : transport_(std::move(transport)), clock_(clock) {}

  // One attempt. Errors: those of the transport.
  Result<S3Reply> attempt(const S3Request& request, const S3Access& access);
  http::Transport& transport() { return *transport_; }

 private:
  std::unique_ptr<http::Transport> transport_;
  const os::Clock& clock_;
  Signer signer_;
};

class S3Session {
 public:
  struct Dependencies {
    S3Location target;
    std::unique_ptr<http::Transport> transport;
    LookupFn environment;
    std::shared_ptr<SharedCredentials> credentials = {};  // null: not shared
    const os::Clock& clock;
    const Log& log;
  };
  explicit S3Session(Dependencies deps);

  // The meaning is one that cannot be corrected, or the correction did not help. Errors: those of
  // the transport and of the credentials.
  Result<S3Reply> perform(const S3Request& request);

  // Whether the object exists, Done or NotThere: by a GET of one byte. Unlike a failed HEAD, a
  // failed GET has a reason.
  Result<S3Reply> look(const std::string& key);

  // The source of the credentials, for people. Errors: those of CredentialChain::get.
  Result<std::string> credentials_source();
  // For an upload thread's client: the current access.
  Result<S3Access> access();
  // What was corrected for one request so far.
  struct Mended {
    bool clock = false, credentials = false, region = false;
  };
  // True: an error of this reply was corrected, so try again.
  bool mend(const S3Reply& reply, Mended& mended);

  const S3Location& target() const { return target_; }
  // False: the store has refused If-None-Match in a PUT, so create-only is a check before it.
  bool has_conditions() const { return has_conditions_; }
  void on_conditions_refused();

 private:
  bool mend_keys(const S3Reply& reply);
  bool mend_clock(const S3Reply& reply);
  bool mend_region(const S3Reply& reply);

  S3Location target_;
  const os::Clock& clock_;
  const Log& log_;
  S3Client client_;
  std::shared_ptr<SharedCredentials> shared_;
  CredentialChain chain_;  // uses the client's transport
  std::chrono::milliseconds clock_offset_{0};
  bool has_conditions_ = true;
};

// The same bucket in its real region: in a host name with the old region, the new region replaces
// it.
S3Location in_region(S3Location target, const std::string& region);

}  // namespace walwrap::storage
