#include "walwrap/storage/open.hpp"

#include "walwrap/http/uri.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::storage {
namespace {

Result<std::string> parse_root(std::string path) {
  if (path.find('\0') != std::string::npos) return fail(Code::Invalid, "NUL in the path");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.size() < 2) {
    return fail(Code::Invalid, "a replica needs a directory of its own, such as /backups/db");
  }
  return path;
}

}  // namespace

Result<Location> parse_location(std::string_view url) {
  Location location;
  location.kind = StoreKind::File;
  location.url = url;
  if (url.starts_with('/')) {
    location.root = TRY(parse_root(std::string(url)));
    return location;
  }
  if (url.find("://") == std::string_view::npos) {
    return fail(Code::Invalid,
                "a replica is given as file:///dir or as a path that begins with '/'");
  }
  const auto uri = TRY(http::parse_uri(url));
  if (uri.scheme != "file") {
    return fail(Code::Invalid, "replicas of scheme '{}' are not supported; type file:///dir",
                uri.scheme);
  }
  if (!uri.host.empty()) {
    return fail(Code::Invalid, "a file URL has no host; type file:///{}{}", uri.host, uri.path);
  }
  if (!uri.query.empty()) {
    return fail(Code::Invalid, "a file URL takes no '?{}='; write %3F for '?' in a path",
                uri.query.begin()->first);
  }
  location.root = TRY(parse_root(uri.path));
  return location;
}

Result<std::unique_ptr<ObjectStore>> open_store(const Location& location) {
  switch (location.kind) {
    case StoreKind::File:
      break;
  }
  auto store = TRY(FileStore::open(location.root));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace walwrap::storage
