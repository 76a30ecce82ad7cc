#include "walwrap/storage/stores/open.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "walwrap/http/client.hpp"
#include "walwrap/http/uri.hpp"
#include "walwrap/storage/deadline_transport.hpp"
#include "walwrap/storage/file_store.hpp"
#include "walwrap/storage/s3/s3_store.hpp"

namespace walwrap::storage {
namespace {

// AWS closes a connection after about five idle seconds; others keep it for longer.
constexpr std::chrono::seconds kAwsIdleLimit{4};

Result<std::string> parse_root(std::string path) {
  if (path.find('\0') != std::string::npos) return fail(Code::Invalid, "NUL in the path");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.size() < 2) {
    return fail(Code::Invalid, "a replica needs a separate directory, such as /backups/db");
  }
  return path;
}

Result<Location> parse_file(const http::Uri& uri, Location location) {
  if (!uri.host.empty()) {
    return fail(Code::Invalid, "a file URL has no host name; write file:///{}{}", uri.host,
                uri.path);
  }
  if (!uri.query.empty()) {
    return fail(Code::Invalid, "a file URL takes no '?{}='; write %3F for '?' in a path",
                uri.query.begin()->first);
  }
  location.root = TRY(parse_root(uri.path));
  return location;
}

// Ends early if the caller stops waiting, and takes at most half a second in a hurry.
void pause_patiently(std::chrono::milliseconds pause, const Surroundings& surroundings) {
  const MonoTime begun = surroundings.clock.mono();
  while (true) {
    const CallBudget budget = surroundings.budget();
    if (budget.hurry) pause = std::min(pause, RetryingStore::kLongestHurry);
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(begun + pause - surroundings.clock.mono());
    if (!budget.go_on || left.count() <= 0) return;
    os::pause_for(std::min(left, RetryingStore::kLook));
  }
}

Result<std::unique_ptr<ObjectStore>> open_s3(const Location& location,
                                             const Surroundings& surroundings) {
  auto store = TRY(S3Store::open(
      {.target = location.s3,
       .make_transport = [location,
                          surroundings] { return open_transport(location, surroundings); },
       .environment = location.environment,
       .credentials = location.credentials,
       .clock = surroundings.clock,
       .log = surroundings.log,
       .budget = surroundings.budget,
       .pause = [surroundings](
                    std::chrono::milliseconds pause) { pause_patiently(pause, surroundings); }}));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace

Result<Location> parse_location(std::string_view url, const LookupFn& environment) {
  Location location;
  location.kind = StoreKind::File;
  location.url = url;
  if (url.starts_with('/')) {
    location.root = TRY(parse_root(std::string(url)));
    return location;
  }
  if (url.find("://") == std::string_view::npos) {
    return fail(
        Code::Invalid,
        "not a replica URL; write s3://bucket/prefix, file:///dir, or a path that begins with '/'");
  }
  const auto uri = TRY(http::parse_uri(url));
  if (uri.scheme == "file") return parse_file(uri, std::move(location));
  if (uri.scheme != "s3") {
    return fail(Code::Invalid,
                "the URL scheme '{}' is not supported; write s3://bucket/prefix or file:///dir",
                uri.scheme);
  }
  location.kind = StoreKind::S3;
  location.s3 = TRY(parse_s3_location(uri, url, environment));
  location.environment = environment;
  location.credentials = std::make_shared<SharedCredentials>();
  return location;
}

Result<std::unique_ptr<http::Transport>> open_transport(const Location& location,
                                                        const Surroundings& surroundings) {
  http::ClientOptions options;
  options.ca_file = location.ca_file;
  options.version = location.s3.http2 ? http::Version::Http2 : http::Version::Http1;
  if (location.s3.host.ends_with(".amazonaws.com")) options.idle_limit = kAwsIdleLimit;
  const auto make_client = [options](const std::function<bool()>& cancelled) {
    http::ClientOptions with = options;
    with.cancelled = cancelled;
    return http::make_client(with);
  };
  auto transport =
      TRY(DeadlineTransport::open(make_client, surroundings.budget, surroundings.clock));
  if (surroundings.counts == nullptr) return transport;
  return with_counts(std::move(transport), *surroundings.counts);
}

Result<std::unique_ptr<ObjectStore>> open_store(const Location& location,
                                                const Surroundings& surroundings) {
  if (location.kind == StoreKind::S3) return open_s3(location, surroundings);
  auto store = TRY(FileStore::open(location.root, surroundings.access));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

std::unique_ptr<ObjectStore> with_retries(std::unique_ptr<ObjectStore> store,
                                          const Surroundings& surroundings) {
  if (surroundings.counts != nullptr) store = with_counts(std::move(store), *surroundings.counts);
  return std::make_unique<RetryingStore>(std::move(store),
                                         RetryingStore::Options{.clock = surroundings.clock,
                                                                .log = surroundings.log,
                                                                .sleep = os::pause_for,
                                                                .random = os::random_u64,
                                                                .budget = surroundings.budget,
                                                                .on_outage = surroundings.on_outage,
                                                                .backoff = surroundings.backoff});
}

}  // namespace walwrap::storage
