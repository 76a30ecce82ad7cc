#include "walwrap/storage/aws/s3_location.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "walwrap/base/text.hpp"

namespace walwrap::storage {
namespace {

constexpr std::string_view kDefaultRegion = "us-east-1";

// Sources: each provider's S3 documentation, as of 2026-11. Two parts are sent at a time, which is
// what R2 accepts and two buffers can hold. The last row is for all other providers.
constexpr std::array kDialects = {
    Dialect{.name = "AWS S3", .host_suffix = ".amazonaws.com", .region = "", .path_style = false},
    Dialect{
        .name = "AWS S3", .host_suffix = ".amazonaws.com.cn", .region = "", .path_style = false},
    Dialect{.name = "Cloudflare R2", .host_suffix = ".r2.cloudflarestorage.com", .region = "auto"},
    Dialect{.name = "Backblaze B2", .host_suffix = ".backblazeb2.com", .region = ""},
    // Without the header an answer may be an older one of another region.
    Dialect{.name = "Tigris",
            .host_suffix = ".tigris.dev",
            .region = "auto",
            .extra_header = "x-tigris-consistent",
            .extra_value = "true"},
    Dialect{.name = "Tigris",
            .host_suffix = ".t3.storage.dev",
            .region = "auto",
            .extra_header = "x-tigris-consistent",
            .extra_value = "true"},
    Dialect{.name = "Hetzner", .host_suffix = ".your-objectstorage.com", .region = ""},
    Dialect{.name = "DigitalOcean Spaces", .host_suffix = ".digitaloceanspaces.com", .region = ""},
    Dialect{.name = "Scaleway", .host_suffix = ".scw.cloud", .region = ""},
    Dialect{.name = "Wasabi", .host_suffix = ".wasabisys.com", .region = ""},
    Dialect{.name = "OVHcloud", .host_suffix = ".io.cloud.ovh.net", .region = ""},
    Dialect{
        .name = "Google Cloud Storage", .host_suffix = ".storage.googleapis.com", .region = "auto"},
    Dialect{.name = "S3-compatible", .host_suffix = "", .region = kDefaultRegion},
};

std::string lower_host_name(std::string_view host) {
  const auto colon = host.rfind(':');
  const bool is_port = colon != std::string_view::npos && host.find(']', colon) == host.npos;
  return lower_case(is_port ? host.substr(0, colon) : host);
}

// "eu-central-1" of "s3.eu-central-1.amazonaws.com".
std::string region_of_host(std::string_view host, const Dialect& dialect) {
  if (!dialect.region.empty()) return std::string(dialect.region);
  std::string name = lower_host_name(host);
  if (name.size() <= dialect.host_suffix.size()) return std::string(kDefaultRegion);
  name.resize(name.size() - dialect.host_suffix.size());
  const auto dot = name.rfind('.');
  const std::string label = dot == std::string::npos ? name : name.substr(dot + 1);
  return label == "s3" ? std::string(kDefaultRegion) : label;
}

Result<void> check_bucket(std::string_view bucket) {
  if (bucket.empty()) {
    return fail(Code::Invalid, "the S3 URL has no bucket; write s3://bucket/app");
  }
  if (bucket.find(':') != std::string_view::npos) {
    return fail(Code::Invalid,
                "the bucket must follow s3://; write s3://bucket/app?endpoint=http://host:port");
  }
  const bool is_name = std::all_of(bucket.begin(), bucket.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
  });
  if (!is_name || bucket.size() < 3 || bucket.size() > 63) {
    return fail(Code::Invalid,
                "'{}' is not a bucket name: it has 3 to 63 letters, digits, '-', '.' or '_'",
                bucket);
  }
  return {};
}

// As litestream normalises it: without empty parts, "." and "..".
Result<std::string> clean_prefix(std::string_view path, std::string_view bucket) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  if (parts.empty()) {
    return fail(Code::Invalid, "the S3 URL has no prefix; write s3://{}/app", bucket);
  }
  std::string prefix;
  for (const auto part : parts) {
    if (!prefix.empty()) prefix += '/';
    prefix += part;
  }
  return prefix;
}

struct Endpoint {
  std::string scheme;
  std::string host;
};

Result<Endpoint> parse_endpoint(std::string text, std::string_view source) {
  const auto bad = [&] {
    return fail(Code::Invalid,
                "the endpoint ({}) is not a server address; write https://host or http://host:port",
                source);
  };
  if (text.find("://") == std::string::npos) text = "https://" + text;
  const auto uri = http::parse_uri(text);
  if (!uri || uri->host.empty() || !uri->query.empty()) return bad();
  if (uri->path != "" && uri->path != "/") return bad();
  if (uri->scheme != "https" && uri->scheme != "http") return bad();
  Endpoint endpoint{uri->scheme, uri->host};
  const std::string_view usual = uri->scheme == "https" ? ":443" : ":80";
  if (endpoint.host.ends_with(usual)) {
    endpoint.host.resize(endpoint.host.size() - usual.size());
  }
  return endpoint;
}

struct Found {
  std::string value;
  std::string source;
};

std::optional<Found> find(const LookupFn& environment, std::span<const std::string_view> names) {
  for (const auto name : names) {
    const auto value = environment ? environment(name) : std::nullopt;
    if (value && !value->empty()) return Found{*value, std::string(name)};
  }
  return std::nullopt;
}

Result<void> check_options(const http::Uri& uri) {
  for (const auto& [key, value] : uri.query) {
    if (key == "endpoint" || key == "region" || key == "path-style" || key == "http") continue;
    const std::string name = lower_case(key);
    if (name.find("key") != name.npos || name.find("secret") != name.npos ||
        name.find("token") != name.npos) {
      return fail(Code::Invalid,
                  "access keys in a URL are visible in ps; set AWS_ACCESS_KEY_ID and "
                  "AWS_SECRET_ACCESS_KEY");
    }
    return fail(Code::Invalid,
                "an S3 URL takes endpoint=, region=, path-style= and http= after '?', not '{}='",
                key);
  }
  return {};
}

std::string option(const http::Uri& uri, const std::string& key) {
  const auto found = uri.query.find(key);
  return found == uri.query.end() ? std::string() : found->second;
}

Result<bool> parse_path_style(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  return fail(Code::Invalid, "path-style={} must be true or false", text);
}

Result<bool> parse_http2(std::string_view text) {
  if (text == "2") return true;
  if (text == "1.1" || text.empty()) return false;
  return fail(Code::Invalid, "http={} must be 1.1 or 2", text);
}

}  // namespace

bool is_region_name(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; });
}

const Dialect& dialect_of(std::string_view host) {
  // With a dot before it, so that a suffix matches whole labels, including the first one.
  const std::string name = "." + lower_host_name(host);
  for (const Dialect& dialect : kDialects) {
    if (name.ends_with(dialect.host_suffix)) return dialect;
  }
  return kDialects.back();
}

Result<S3Location> parse_s3_location(const http::Uri& uri, std::string_view url,
                                     const LookupFn& environment) {
  constexpr std::array<std::string_view, 3> kEndpoints = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
                                                          "LITESTREAM_S3_ENDPOINT"};
  constexpr std::array<std::string_view, 2> kRegions = {"AWS_REGION", "AWS_DEFAULT_REGION"};
  TRY(check_options(uri));
  TRY(check_bucket(uri.host));
  S3Location target;
  target.url = url;
  target.bucket = uri.host;
  target.prefix = TRY(clean_prefix(uri.path, uri.host));
  target.region = option(uri, "region");
  if (target.region.empty()) {
    if (const auto found = find(environment, kRegions)) target.region = found->value;
  }
  std::optional<Found> given = find(environment, kEndpoints);
  if (const auto typed = option(uri, "endpoint"); !typed.empty())
    given = Found{typed, "in the URL"};
  if (given) {
    const auto endpoint = TRY(parse_endpoint(given->value, given->source));
    target.scheme = endpoint.scheme;
    target.host = endpoint.host;
  } else {
    if (target.region.empty()) target.region = kDefaultRegion;
    const bool is_china = target.region.starts_with("cn-");
    target.scheme = "https";
    target.host = "s3." + target.region + (is_china ? ".amazonaws.com.cn" : ".amazonaws.com");
  }
  target.dialect = &dialect_of(target.host);
  if (target.region.empty()) target.region = region_of_host(target.host, *target.dialect);
  // A certificate for *.host does not cover a bucket with dots.
  const bool has_dots = target.bucket.find('.') != std::string::npos;
  target.path_style = target.dialect->path_style || has_dots;
  if (const auto typed = option(uri, "path-style"); !typed.empty()) {
    target.path_style = TRY(parse_path_style(typed));
  }
  target.http2 = TRY(parse_http2(option(uri, "http")));
  return target;
}

std::string S3Address::url(std::string_view scheme) const {
  std::string out(scheme);
  out += "://" + host + path;
  if (!query.empty()) out += "?" + query;
  return out;
}

S3Address address_of(const S3Location& target, std::string_view key, const QueryPairs& query) {
  S3Address address;
  address.host = target.path_style ? target.host : target.bucket + "." + target.host;
  address.path = "/";
  if (target.path_style) address.path += target.bucket;
  if (!key.empty()) {
    if (target.path_style) address.path += '/';
    address.path += http::percent_encode(key, http::Slash::Keep);
  }
  QueryPairs encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(http::percent_encode(name, http::Slash::Encode),
                         http::percent_encode(value, http::Slash::Encode));
  }
  std::sort(encoded.begin(), encoded.end());
  for (const auto& [name, value] : encoded) {
    if (!address.query.empty()) address.query += '&';
    address.query += fmt::format("{}={}", name, value);
  }
  return address;
}

}  // namespace walwrap::storage
