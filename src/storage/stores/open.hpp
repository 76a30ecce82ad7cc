// From a replica's URL to its store: the only place that chooses the implementation.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/aws/credential_chain.hpp"
#include "walwrap/storage/aws/s3_location.hpp"
#include "walwrap/storage/object_store.hpp"
#include "walwrap/storage/retrying_store.hpp"
#include "walwrap/storage/store_counts.hpp"

namespace walwrap::storage {

struct Location {
  StoreKind kind = StoreKind::File;
  std::string root;           // the directory of a file store
  std::string url;            // as given, for people
  S3Location s3 = {};         // of an S3 store
  LookupFn environment = {};  // of an S3 store: where credentials are searched
  // For an S3 store: all stores opened from this location share one fetch of credentials.
  std::shared_ptr<SharedCredentials> credentials = {};
  std::string ca_file = {};  // for an S3 store: "": the system's certificates
};

// Invalid with what to type: unknown scheme, relative path, host in a file URL, query in it, and
// what parse_s3_location() refuses.
// A plain absolute path ("/backups/db") is taken as file://.
Result<Location> parse_location(std::string_view url, const LookupFn& environment);

// What a store needs from its caller. Everything is borrowed except the function.
struct Surroundings {
  const os::Clock& clock;
  const Log& log;
  // Limits each request in progress. Several threads of one upload call it at the same time.
  CallBudgetFn budget = [] { return CallBudget{}; };
  // For with_retries(): called when an outage starts and ends; the pauses between tries.
  OutageFn on_outage = {};
  Backoff::Limits backoff = {};
  SharedCounts* counts = nullptr;  // of the requests; null: not counted
  Access access = Access::Read;
};

// The connection of one thread to an S3 store, with that time limit. Errors: as make_client.
Result<std::unique_ptr<http::Transport>> open_transport(const Location& location,
                                                        const Surroundings& surroundings);

// Each call is one attempt. Errors: as FileStore::open and S3Store::open.
Result<std::unique_ptr<ObjectStore>> open_store(const Location& location,
                                                const Surroundings& surroundings);
// A store whose calls are one attempt each, inside a RetryingStore with that time limit.
std::unique_ptr<ObjectStore> with_retries(std::unique_ptr<ObjectStore> store,
                                          const Surroundings& surroundings);

}  // namespace walwrap::storage
