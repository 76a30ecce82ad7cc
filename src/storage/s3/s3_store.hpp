// A replica in S3 or a compatible store.
//
// One transport, one thread. Bodies up to kPartBytes are one PUT. Larger ones are a multipart
// upload of equal parts, several of which are sent at once. It is aborted when it fails, and
// create-only when it completes (s3_upload.hpp). Each body has its SHA-256 and its MD5. A wrong
// clock, expired credentials and a wrong region are corrected once and the request repeated.
// Everything else is an answer, which RetryingStore may repeat (object_store.hpp).
//
// After a range of an object was read, later ranges are of the same object, or fail. A HEAD shows
// the modification time given with the put, and a listing shows the time of the upload.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/aws/s3_location.hpp"
#include "walwrap/storage/object_store.hpp"
#include "walwrap/storage/s3/s3_client.hpp"
#include "walwrap/storage/s3/s3_upload.hpp"

namespace walwrap::storage {

class S3Store : public ObjectStore {
 public:
  // An upload of any size uses two buffers of this size and no more memory.
  static constexpr Bytes kPartBytes = S3Upload::kPartBytes;
  // Of a listing, with a thousand keys each (Law 5): a replica has a few thousand.
  static constexpr int kMostPages = 1'000;
  static constexpr Bytes kMostKeyBytes = Bytes{128} << 20;
  // For all its pages: always, and if the caller has a deadline that has passed.
  static constexpr std::chrono::minutes kLongestListing{10};
  static constexpr std::chrono::minutes kLongestLateListing{2};
  static constexpr std::size_t kKeysPerDelete = 1'000;  // S3's own limit
  // Objects whose ETag is remembered: more than are read at the same time.
  static constexpr std::size_t kMostEtags = 256;

  struct Dependencies {
    S3Location target;
    // Each thread of a multipart upload gets its own.
    std::function<Result<std::unique_ptr<http::Transport>>()> make_transport;
    LookupFn environment;
    std::shared_ptr<SharedCredentials> credentials = {};  // null: not shared
    const os::Clock& clock;                               // borrowed, like the log
    const Log& log;
    // Whether to wait for the next page of a listing.
    CallBudgetFn budget = [] { return CallBudget{}; };
    // Between the tries of a part. The upload threads call it as well.
    std::function<void(std::chrono::milliseconds)> pause = os::pause_for;
  };
  // Makes no request. Errors: those of make_transport.
  static Result<std::unique_ptr<S3Store>> open(Dependencies deps);

  Result<void> put(const std::string& key, const Body& body, const PutOptions& options) override;
  Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                       const std::string& start_after) override;
  Result<FirstObjects> list_first() override;
  Result<void> remove(const std::string& key) override;
  Result<void> remove_many(const std::vector<std::string>& keys) override;
  CreateOnly create_only() const override;
  std::string describe() const override;

 private:
  S3Store(Dependencies deps, std::unique_ptr<http::Transport> transport);
  Failure failure_of(const S3Reply& reply, const S3Request& request) const;
  Result<Meaning> try_get(const std::string& key, ByteRange range, const WriteFn& sink,
                          const std::string& if_match);
  Result<void> settle_range(const std::string& key, ByteRange range);
  void remember_etag(const std::string& key, const std::string& etag);
  Result<ListPage> list_page(const QueryPairs& query);
  Result<void> take_page(const ListPage& page, const std::string& prefix,
                         const std::string& start_after, std::vector<ObjectInfo>& found) const;
  Result<void> may_ask_for_more(MonoTime begun, std::size_t found) const;
  Result<void> remove_batch(std::span<const std::string> keys);

  Dependencies deps_;
  S3Session session_;
  std::map<std::string, std::string> etags_;  // of what is read in ranges
  bool unquoted_etags_ = false;               // Ceph RGW 16 takes no others in If-Match
  bool removes_many_ = true;                  // false: this store cannot
};

}  // namespace walwrap::storage
