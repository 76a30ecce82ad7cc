// A replica in S3, or in what speaks its language.
//
// One transport, one thread. Bodies up to kPartBytes are one PUT; larger ones a multipart upload of
// equal parts, of which some are under way at once, aborted when it fails, create-only when it is
// completed (s3_upload.hpp). Each body carries its SHA-256 and its MD5. A clock that is off,
// credentials that have expired and a region that was wrong are mended once and the request
// repeated; everything else is an answer, for RetryingStore to repeat (object_store.hpp).
//
// Once a range of an object was read, the later ones are of the same object, or fail. Its
// modification time is the one given with the put where a HEAD shows it, and that of the upload in
// a listing.
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
  // Buffers of this size, two of them, are all the memory that an upload of any size takes.
  static constexpr Bytes kPartBytes = S3Upload::kPartBytes;
  // Of a listing, a thousand keys each (Law 5): a replica has a few thousand.
  static constexpr int kMostPages = 1'000;
  static constexpr Bytes kMostKeyBytes = Bytes{128} << 20;
  // For all its pages: in any case, and where the caller has a deadline that has passed.
  static constexpr std::chrono::minutes kLongestListing{10};
  static constexpr std::chrono::minutes kLongestLateListing{2};
  static constexpr std::size_t kKeysPerDelete = 1'000;  // S3's own limit
  // Objects whose etag is remembered: more than anybody reads at once.
  static constexpr std::size_t kMostEtags = 256;

  struct Dependencies {
    S3Location target;
    // Each upload thread of a multipart upload gets one of its own.
    std::function<Result<std::unique_ptr<http::Transport>>()> make_transport;
    LookupFn environment;
    std::shared_ptr<SharedCredentials> credentials = {};  // null: not shared
    const os::Clock& clock;                               // borrowed, like the log
    const Log& log;
    // Whether the next page of a listing is still waited for.
    CallBudgetFn budget = [] { return CallBudget{}; };
    // Between the tries of a part; called by the upload threads too.
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
