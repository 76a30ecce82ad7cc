// From a replica's URL to its store: the one place that picks the implementation.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

// What kind of replica a URL names: decides the key layout and the pace.
enum class StoreKind { File };

struct Location {
  StoreKind kind = StoreKind::File;
  std::string root;  // the directory of a file store
  std::string url;   // as given, for people
};

// Invalid with what to type: unknown scheme, relative path, host in a file URL, query in it.
// A plain absolute path ("/backups/db") is taken as file://.
Result<Location> parse_location(std::string_view url);

// Errors: as FileStore::open.
Result<std::unique_ptr<ObjectStore>> open_store(const Location& location);

}  // namespace walwrap::storage
