// Counts the requests to a store and its failures: decorators for which any number of threads may
// share the counts.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

// HTTP requests, each attempt separately. Requests for credentials are included.
enum class RequestKind { Get, Head, List, Put, Post, Delete };
inline constexpr std::array<std::string_view, 6> kRequestKinds = {"get", "head", "list",
                                                                  "put", "post", "delete"};

// Calls of a store. An absent or already existing object is not an error.
enum class StoreError { Unavailable, Denied, Unknown, Corrupt, Other };
inline constexpr std::array<std::string_view, 5> kStoreErrors = {"unavailable", "denied", "unknown",
                                                                 "corrupt", "other"};

struct StoreCounts {
  std::array<std::uint64_t, kRequestKinds.size()> requests{};
  std::array<std::uint64_t, kStoreErrors.size()> errors{};
  std::uint64_t of(RequestKind kind) const { return requests[static_cast<std::size_t>(kind)]; }
  std::uint64_t of(StoreError kind) const { return errors[static_cast<std::size_t>(kind)]; }
};
using SharedCounts = os::Published<StoreCounts>;

RequestKind kind_of(const http::Request& request);

// Both keep a reference to `counts`.
std::unique_ptr<ObjectStore> with_counts(std::unique_ptr<ObjectStore> store, SharedCounts& counts);
std::unique_ptr<http::Transport> with_counts(std::unique_ptr<http::Transport> transport,
                                             SharedCounts& counts);

}  // namespace walwrap::storage
