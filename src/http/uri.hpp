// "scheme://host/path?key=value", split. Pure.
//
// `path` is percent-decoded and keeps its leading slash; query keys and values are decoded.
// A user or password in the URL is refused (Invalid): it would show in `ps`.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"

namespace walwrap::http {

struct Uri {
  std::string scheme;  // lower case
  std::string host;    // with its port, if any; may be empty (file:///dir)
  std::string path;
  std::map<std::string, std::string> query;
};

Result<Uri> parse_uri(std::string_view text);

// Every byte except A-Z a-z 0-9 - _ . ~ becomes %XX in upper case: RFC 3986's unreserved
// characters, which S3 signatures and object keys both use. `Keep` leaves slashes unchanged, for a
// path.
enum class Slash { Keep, Encode };
std::string percent_encode(std::string_view bytes, Slash slash);

}  // namespace walwrap::http
