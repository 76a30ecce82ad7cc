#include "walwrap/storage/aws/s3_location.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cctype>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/support/text.hpp"

namespace walwrap::storage {
namespace {

using testing::has;
using Variables = std::map<std::string, std::string, std::less<>>;

Result<S3Location> parse(const std::string& url, const Variables& variables = {}) {
  const auto uri = http::parse_uri(url);
  if (!uri) return fail(uri.error());
  return parse_s3_location(*uri, url, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

struct Place {
  std::string url;
  Variables variables;
  std::string where;  // scheme, host, region, prefix, path style
};

void check(std::span<const Place> places) {
  for (const Place& row : places) {
    CAPTURE(row.url);
    const auto target = parse(row.url, row.variables);
    REQUIRE_MESSAGE(target.has_value(), (target ? "" : target.error().text));
    const std::string style = target->path_style ? "path" : "host";
    CHECK(target->scheme + " " + target->host + " " + target->region + " " + target->prefix + " " +
              style ==
          row.where);
    CHECK(target->url == row.url);
  }
}

TEST_CASE("HTTP/2 is used only if the URL asks for it") {
  CHECK(!parse("s3://bucket/app", {})->http2);
  CHECK(!parse("s3://bucket/app?http=1.1", {})->http2);
  CHECK(parse("s3://bucket/app?http=2", {})->http2);
}

TEST_CASE("bucket, prefix, endpoint and region come from the URL, then from the environment") {
  const Variables fly = {{"AWS_ENDPOINT_URL_S3", "https://fly.storage.tigris.dev"},
                         {"AWS_REGION", "auto"}};
  const Variables both = {{"AWS_ENDPOINT_URL_S3", "https://first.example"},
                          {"AWS_ENDPOINT_URL", "https://second.example"}};
  const Place rows[] = {
      {"s3://bucket/app", {}, "https s3.us-east-1.amazonaws.com us-east-1 app host"},
      {"s3://bucket/app/db",
       {{"AWS_REGION", "eu-west-3"}},
       "https s3.eu-west-3.amazonaws.com eu-west-3 app/db host"},
      {"s3://bucket/app",
       {{"AWS_DEFAULT_REGION", "eu-west-3"}},
       "https s3.eu-west-3.amazonaws.com eu-west-3 app host"},
      {"s3://bucket/app?region=eu-north-1",
       {{"AWS_REGION", "eu-west-3"}},
       "https s3.eu-north-1.amazonaws.com eu-north-1 app host"},
      {"s3://bucket/app?region=cn-north-1",
       {},
       "https s3.cn-north-1.amazonaws.com.cn cn-north-1 app host"},
      {"s3://my.bucket/app", {}, "https s3.us-east-1.amazonaws.com us-east-1 app path"},
      {"s3://bucket/app?path-style=true",
       {},
       "https s3.us-east-1.amazonaws.com us-east-1 app path"},
      {"s3://bucket//a/./b/../c/", {}, "https s3.us-east-1.amazonaws.com us-east-1 a/c host"},
      {"s3://bucket/app?endpoint=http://127.0.0.1:9000",
       {},
       "http 127.0.0.1:9000 us-east-1 app path"},
      {"s3://bucket/app?endpoint=minio.example:9000",
       {},
       "https minio.example:9000 us-east-1 app path"},
      {"s3://bucket/app?endpoint=https://s.example:443/", {}, "https s.example us-east-1 app path"},
      {"s3://bucket/app?endpoint=http://s.example:80", {}, "http s.example us-east-1 app path"},
      {"s3://bucket/app?endpoint=https://s.example&path-style=false",
       {},
       "https s.example us-east-1 app host"},
      {"s3://bucket/app", fly, "https fly.storage.tigris.dev auto app path"},
      {"s3://bucket/app", both, "https first.example us-east-1 app path"},
      {"s3://bucket/app?endpoint=https://typed.example", both,
       "https typed.example us-east-1 app path"},
      {"s3://bucket/app",
       {{"AWS_ENDPOINT_URL_S3", ""}, {"AWS_ENDPOINT_URL", "https://b.example"}},
       "https b.example us-east-1 app path"},
      {"s3://bucket/app",
       {{"LITESTREAM_S3_ENDPOINT", "https://l.example"}},
       "https l.example us-east-1 app path"},
  };
  check(rows);
}

TEST_CASE("a provider's endpoint names the region where nothing else does") {
  const Place rows[] = {
      {"s3://bucket/app?endpoint=https://s3.us-west-004.backblazeb2.com",
       {},
       "https s3.us-west-004.backblazeb2.com us-west-004 app path"},
      {"s3://bucket/app?endpoint=https://fra1.digitaloceanspaces.com",
       {},
       "https fra1.digitaloceanspaces.com fra1 app path"},
      {"s3://bucket/app?endpoint=https://s3.fr-par.scw.cloud",
       {},
       "https s3.fr-par.scw.cloud fr-par app path"},
      {"s3://bucket/app?endpoint=https://fsn1.your-objectstorage.com",
       {},
       "https fsn1.your-objectstorage.com fsn1 app path"},
      {"s3://bucket/app?endpoint=https://s3.wasabisys.com",
       {},
       "https s3.wasabisys.com us-east-1 app path"},
      {"s3://bucket/app?endpoint=https://s3.eu-central-1.amazonaws.com",
       {},
       "https s3.eu-central-1.amazonaws.com eu-central-1 app host"},
      {"s3://bucket/app?endpoint=https://acc.eu.r2.cloudflarestorage.com",
       {},
       "https acc.eu.r2.cloudflarestorage.com auto app path"},
  };
  check(rows);
}

TEST_CASE("a URL that cannot be used is refused with what to type") {
  struct Row {
    std::string url;
    std::string says;
  };
  const Row rows[] = {
      {"s3:///app", "s3://bucket/app"},
      {"s3://bucket", "s3://bucket/app"},
      {"s3://bucket/", "s3://bucket/app"},
      {"s3://bucket/../", "s3://bucket/app"},
      {"s3://127.0.0.1:9000/bucket/app", "?endpoint=http://host:port"},
      {"s3://ab/app", "3 to 63"},
      {"s3://bucket/app?regoin=x", "endpoint=, region=, path-style= and http="},
      {"s3://bucket/app?secret-key=hunter2", "AWS_SECRET_ACCESS_KEY"},
      {"s3://bucket/app?access_key_id=hunter2", "AWS_ACCESS_KEY_ID"},
      {"s3://bucket/app?path-style=maybe", "must be true or false"},
      {"s3://bucket/app?http=3", "must be 1.1 or 2"},
      {"s3://bucket/app?endpoint=ftp://x", "https://host"},
      {"s3://bucket/app?endpoint=https://x/with/path", "https://host"},
      {"s3://bucket/app?endpoint=https://user:hunter2@x", "https://host"},
      {"s3://key:hunter2@bucket/app", "environment"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto target = parse(row.url);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code == Code::Invalid);
    CHECK_MESSAGE(has(target.error().text, row.says), target.error().text);
    CHECK_FALSE(has(target.error().text, "hunter2"));
  }
  const auto named = parse("s3://bucket/app", {{"AWS_ENDPOINT_URL", "https://x/y"}});
  CHECK(has(named.error().text, "AWS_ENDPOINT_URL"));
}

TEST_CASE("a provider is recognised by whole labels at the end of the host name") {
  struct Row {
    std::string_view host;
    std::string_view name;
  };
  const Row rows[] = {
      {"s3.eu-central-1.amazonaws.com", "AWS S3"},
      {"S3.EU-CENTRAL-1.AMAZONAWS.COM:443", "AWS S3"},
      {"s3.cn-north-1.amazonaws.com.cn", "AWS S3"},
      {"amazonaws.com.example", "S3-compatible"},
      {"notamazonaws.com", "S3-compatible"},
      {"account.r2.cloudflarestorage.com", "Cloudflare R2"},
      {"s3.us-west-004.backblazeb2.com", "Backblaze B2"},
      {"fly.storage.tigris.dev", "Tigris"},
      {"t3.storage.dev", "Tigris"},
      {"storage.googleapis.com", "Google Cloud Storage"},
      {"evil-storage.googleapis.com.example", "S3-compatible"},
      {"127.0.0.1:9000", "S3-compatible"},
      {"[::1]:9000", "S3-compatible"},
      {"minio", "S3-compatible"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.host);
    CHECK(dialect_of(row.host).name == row.name);
  }
  CHECK(dialect_of("t3.storage.dev").extra_header == "x-tigris-consistent");
}

TEST_CASE("only a valid label of a host name is accepted as a region") {
  for (const char* region : {"auto", "us-east-1", "fr-par", "fsn1"}) CHECK(is_region_name(region));
  CHECK(is_region_name(std::string(64, 'a')));
  for (const std::string& text : {std::string(), std::string("EU"), std::string("a.b"),
                                  std::string("a/b"), std::string("a b"), std::string(65, 'a')}) {
    CHECK_FALSE(is_region_name(text));
  }
}

TEST_CASE("an address has the same spelling in the request and in the signature") {
  const auto path_style = parse("s3://bucket/app?endpoint=http://127.0.0.1:9000").value();
  const auto host_style = parse("s3://bucket/app").value();
  const auto object = address_of(path_style, "app/0000/x y+z.ltx", {});
  CHECK(object.host == "127.0.0.1:9000");
  CHECK(object.path == "/bucket/app/0000/x%20y%2Bz.ltx");
  CHECK(object.url("http") == "http://127.0.0.1:9000/bucket/app/0000/x%20y%2Bz.ltx");
  CHECK(address_of(host_style, "app/k", {}).url("https") ==
        "https://bucket.s3.us-east-1.amazonaws.com/app/k");
  CHECK(address_of(path_style, "", {}).path == "/bucket");
  CHECK(address_of(host_style, "", {}).path == "/");
  const auto query = address_of(
      path_style, "",
      {{"prefix", "a/b=c"}, {"list-type", "2"}, {"uploads", ""}, {"continuation-token", "1+/="}});
  CHECK(query.query == "continuation-token=1%2B%2F%3D&list-type=2&prefix=a%2Fb%3Dc&uploads=");
}

TEST_CASE("an object key keeps every byte, also parts that a URL library would normalise") {
  const auto target = parse("s3://bucket/app?endpoint=http://127.0.0.1:9000").value();
  CHECK(address_of(target, "a//b/./c/../d", {}).path == "/bucket/a//b/./c/../d");
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool is_plain = (byte < 128 && std::isalnum(byte) != 0) || c == '-' || c == '_' ||
                          c == '.' || c == '~' || c == '/';
    const std::string encoded = is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    CHECK(address_of(target, std::string("k") + c, {}).path == "/bucket/k" + encoded);
  }
}

}  // namespace
}  // namespace walwrap::storage
