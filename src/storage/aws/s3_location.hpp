// The location of an S3 replica: endpoint, bucket, prefix, and the special rules of its provider.
// Pure.
//
// "s3://bucket/prefix?endpoint=https://host:port&region=eu-central-1&path-style=true&http=2". What
// the URL leaves out comes from the standard environment variables (AWS_ENDPOINT_URL_S3,
// AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION). Providers' rules are data: one row each, found
// by the endpoint's host name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/http/uri.hpp"

namespace walwrap::storage {

// A name's value; nullopt: not set. An empty value counts as not set.
using LookupFn = std::function<std::optional<std::string>(std::string_view name)>;

// The differences between S3-compatible stores. Source: each provider's documentation; tests name
// them.
struct Dialect {
  std::string_view name;         // "AWS S3", "Cloudflare R2", ..., "S3-compatible"
  std::string_view host_suffix;  // ".r2.cloudflarestorage.com"; "": any
  std::string_view region;       // if no region is given: "auto"; "": the host name has it
  bool path_style = true;        // the bucket is in the path, not in the host name
  int parallel_parts = 2;        // of a multipart upload
  // Sent with every request, already in lower case; "": none.
  std::string_view extra_header = "";
  std::string_view extra_value = "";
};
const Dialect& dialect_of(std::string_view host);

// Whether a text is valid as a region in a host name and a signature.
bool is_region_name(std::string_view text);

struct S3Location {
  std::string url;     // as given, for people
  std::string scheme;  // "https" or "http"
  std::string host;    // with its port; without the bucket
  std::string bucket;
  std::string prefix;  // "app/db": never empty, no slash at its ends
  std::string region;
  bool path_style = true;
  bool http2 = false;                // where the server offers it over TLS
  const Dialect* dialect = nullptr;  // of the static table
};
// Invalid with what to type: no bucket, no prefix, an unknown key after '?', a bad endpoint.
Result<S3Location> parse_s3_location(const http::Uri& uri, std::string_view url,
                                     const LookupFn& environment);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;  // not encoded

// The parts of a request's address for both the request and the signature, in one spelling.
struct S3Address {
  std::string host;   // value of the host header
  std::string path;   // encoded
  std::string query;  // encoded and sorted; "" or "list-type=2&prefix=..."
  std::string url(std::string_view scheme) const;
};
// `key` is the whole key, prefix included; "": the bucket itself.
S3Address address_of(const S3Location& target, std::string_view key, const QueryPairs& query);

}  // namespace walwrap::storage
