// The upload of an object to S3: one PUT if it fits into one part, else a multipart upload.
//
// The caller's thread fills one part while other parts are sent, each on a thread with its own
// transport. Parts have one size, as R2 requires, so 10,000 of them limit an object to 78 GiB. A
// failed part is sent again a few times. Then the whole upload is given up, and its stored parts
// are removed. Create-only applies to the completion, which makes the object visible. Because some
// stores ignore it there (Ceph RGW 16), a check comes before it. On a store without conditions
// (Backblaze B2, Swift), the check is all there is. Lives for one put, on its caller's thread.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/object_store.hpp"
#include "walwrap/storage/s3/s3_client.hpp"
#include "walwrap/storage/s3/s3_xml.hpp"

namespace walwrap::storage {

class S3Upload {
 public:
  static constexpr Bytes kPartBytes = 8ULL << 20;
  static constexpr int kMostParts = 10'000;
  // Each has one buffer of a part. An upload of any size uses no more memory than these.
  static constexpr int kMostLanes = 2;
  // Before the second, third and fourth try of a part and of the requests after the parts: enough
  // for a short failure. Longer waits, also those that a store asks for, are for the caller that
  // repeats the whole upload.
  static constexpr std::array kPauses = {std::chrono::milliseconds(250),
                                         std::chrono::milliseconds(1'000),
                                         std::chrono::milliseconds(4'000)};
  static constexpr std::chrono::milliseconds kLongestPause{5'000};

  struct Dependencies {
    S3Session& session;  // borrowed
    std::function<Result<std::unique_ptr<http::Transport>>()> make_transport;
    std::function<void(std::chrono::milliseconds)> pause;  // called by any of its threads
    const os::Clock& clock;
    const Log& log;
    std::string key;
    PutOptions options;
  };
  explicit S3Upload(Dependencies deps);
  ~S3Upload();  // waits for parts in progress
  S3Upload(const S3Upload&) = delete;
  S3Upload& operator=(const S3Upload&) = delete;

  // The sink of the body.
  Result<void> write(ByteSpan bytes);
  // The body has ended. Exists: the name is used, perhaps by an earlier attempt of this upload.
  Result<void> finish();
  // After a failure of the body or of finish(): removes the stored parts if possible.
  void abandon();

 private:
  struct Lane;
  Lane& filling() { return *lanes_[filling_]; }
  std::vector<http::HeaderField> object_headers() const;
  template <typename Attempt>
  Result<S3Reply> make_visible(const S3Request& request, Attempt attempt);
  Result<void> put_whole();
  Result<void> begin();
  Result<void> hand_over(Lane& lane);
  Result<void> send(Lane& lane);
  Result<S3Reply> send_part(Lane& lane) const;
  Result<void> settle(Lane& lane);
  Result<void> require_absent();
  Result<void> complete();
  Result<S3Reply> try_completion(const S3Request& request);
  Result<void> on_upload_gone();
  template <typename Attempt>
  Result<S3Reply> with_retries(Attempt attempt) const;
  Failure failure_of(const S3Reply& reply, const S3Request& request) const;

  Dependencies deps_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t filling_ = 0;
  std::string upload_id_;  // "": not started
  std::vector<UploadedPart> uploaded_;
  int begun_parts_ = 0;
  Bytes total_ = 0;
};

}  // namespace walwrap::storage
