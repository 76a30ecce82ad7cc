// One request to S3: addressed, signed, sent, understood; and what is mended on the way.
//
// An S3Client makes one attempt with the access it is given, and belongs to one thread; each upload
// thread has one. An S3Session is the store's own: it knows who we are, how far our clock is off
// and in which region the bucket is, and mends each of these once per request.
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
  std::vector<http::HeaderField> headers = {};  // all are signed
  ByteSpan body = {};
  WriteFn sink = {};  // as in http::Request
  std::function<Result<void>(const http::Response& head)> on_head = {};
  std::chrono::milliseconds limit{30'000};
};
// "PUT walwrap/identity.json", for people.
std::string what_of(const S3Request& request);

struct S3Reply {
  http::Response response;
  S3Error error;  // of an answer that is no success
  Meaning meaning = Meaning::Malformed;
};

// The code and text of a reply that is not what was hoped for, with the store's own wish of when to
// try again. A write whose answer cannot be understood is Unknown, never Corrupt: what is stored is
// not in doubt, only whether this is.
Error error_of(const S3Reply& reply, const S3Request& request, WallTime now);
// Of an error that came inside of a 200.
S3Reply reply_of(S3Error error);
// Worth trying again by itself, and nothing has to be mended.
bool is_transient(Meaning meaning);

// What a request needs besides itself.
struct S3Access {
  S3Location target;
  SigningKeys keys;
  std::chrono::milliseconds clock_offset{0};  // the store's clock minus ours
};

class S3Client {
 public:
  // Slower than this a body is not waited for (Law 5); a request's limit is on top of it.
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

  // The meaning is none that could be mended, or mending it did not help. Errors: those of the
  // transport and of the credentials.
  Result<S3Reply> perform(const S3Request& request);

  // Whether there is such an object, Done or NotThere: by a GET of one byte, whose failures say
  // why, as those of a HEAD cannot.
  Result<S3Reply> look(const std::string& key);

  // Where our keys come from, for people. Errors: those of CredentialChain::get.
  Result<std::string> credentials_source();
  // For an upload thread's client: the access of now.
  Result<S3Access> access();
  // What has been mended for one request so far.
  struct Mended {
    bool clock = false, credentials = false, region = false;
  };
  // True: something was mended that this reply complains of, so try again.
  bool mend(const S3Reply& reply, Mended& mended);

  const S3Location& target() const { return target_; }
  // False: the store has refused If-None-Match with a PUT, so create-only is a look before it.
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

// The same bucket where it really is: a host that names the old region names the new one.
S3Location in_region(S3Location target, const std::string& region);

}  // namespace walwrap::storage
