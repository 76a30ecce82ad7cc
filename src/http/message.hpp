// The values of an HTTP exchange.
//
// Pure. Header names are lower case in both directions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/bytes.hpp"

namespace walwrap::http {

enum class Method { Get, Head, Put, Post, Delete };
std::string_view method_name(Method method);  // "GET", ...

struct HeaderField {
  std::string name;  // lower case
  std::string value;
  bool operator==(const HeaderField&) const = default;
};

// The server of the request, for people.
struct Peer {
  std::string address;  // "127.0.0.1:9000"
  std::string tls;      // "TLSv1.3"; "": plain
  bool is_http2 = false;
};

struct Response {
  int status = 0;
  std::vector<HeaderField> headers = {};  // in the order of arrival, names in lower case
  ByteVector body = {};                   // without a sink, or of an answer that is not 2xx
  Peer peer = {};
  // The first one with that name. "": none.
  std::string_view header(std::string_view name) const;
};

}  // namespace walwrap::http
