#include "walwrap/storage/aws/s3_sign.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "walwrap/storage/aws/s3_location.hpp"

namespace walwrap::storage {
namespace {

using http::HeaderField;
using http::Method;

// The examples of "Authenticating Requests: Using the Authorization Header (AWS Signature
// Version 4)" in the Amazon S3 API reference.
const SigningKeys kDocumentedKeys{"AKIAIOSFODNN7EXAMPLE",
                                  Secret<std::string>("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                  Secret<std::string>()};
const WallTime kDocumentedTime = parse_rfc3339("2013-05-24T00:00:00Z").value();
constexpr std::string_view kHost = "examplebucket.s3.amazonaws.com";
const std::string kEmptyHash = sha256_hex({});

std::string value_of(const std::vector<HeaderField>& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const HeaderField& field) { return field.name == name; });
  return found == headers.end() ? "" : found->value;
}

std::string signature_of(const std::vector<HeaderField>& headers) {
  const std::string value = value_of(headers, "authorization");
  const auto place = value.rfind("Signature=");
  return place == std::string::npos ? "" : value.substr(place + 10);
}

ToSign documented(Method method, std::string_view path, std::string_view query) {
  ToSign request;
  request.method = method;
  request.path = path;
  request.query = query;
  request.headers = {{"host", std::string(kHost)}};
  request.payload_hash = kEmptyHash;
  request.region = "us-east-1";
  request.time = kDocumentedTime;
  return request;
}

TEST_CASE("the signatures match the examples of the S3 reference") {
  Signer signer;
  auto get_object = documented(Method::Get, "/test.txt", "");
  get_object.headers.push_back({"range", "bytes=0-9"});
  CHECK(signature_of(signer.sign(get_object, kDocumentedKeys)) ==
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

  const std::string hash = sha256_hex(as_bytes("Welcome to Amazon S3."));
  auto put_object = documented(Method::Put, "/test%24file.text", "");
  put_object.headers.push_back({"date", "Fri, 24 May 2013 00:00:00 GMT"});
  put_object.headers.push_back({"x-amz-storage-class", "REDUCED_REDUNDANCY"});
  put_object.payload_hash = hash;
  CHECK(signature_of(signer.sign(put_object, kDocumentedKeys)) ==
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

  const auto lifecycle = documented(Method::Get, "/", "lifecycle=");
  CHECK(signature_of(signer.sign(lifecycle, kDocumentedKeys)) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

  const auto list = documented(Method::Get, "/", "max-keys=2&prefix=J");
  CHECK(signature_of(signer.sign(list, kDocumentedKeys)) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("the canonical request matches the S3 reference") {
  auto request = documented(Method::Get, "/test.txt", "");
  request.headers.push_back({"range", "bytes=0-9"});
  request.headers.push_back({"x-amz-date", "20130524T000000Z"});
  request.headers.push_back({"x-amz-content-sha256", kEmptyHash});
  CHECK(canonical_request(request) ==
        "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
        "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(string_to_sign(request, canonical_request(request)) ==
        "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
}

// Of the AWS signature test suite (aws-c-auth, Apache-2.0): key id AKIDEXAMPLE, 20150830T123600Z.
TEST_CASE("the signatures match the test suite's plain GET and POST") {
  const SigningKeys keys{"AKIDEXAMPLE",
                         Secret<std::string>("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                         Secret<std::string>()};
  ToSign request;
  request.path = "/";
  request.headers = {{"host", "example.amazonaws.com"}};
  request.payload_hash = kEmptyHash;
  request.region = "us-east-1";
  request.service = "service";
  request.time = parse_rfc3339("2015-08-30T12:36:00Z").value();
  Signer signer;
  CHECK(signature_of(signer.sign(request, keys)) ==
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  request.method = Method::Post;
  CHECK(signature_of(signer.sign(request, keys)) ==
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_CASE("values are signed without extra blanks, and repeated headers are joined") {
  ToSign request = documented(Method::Get, "/", "");
  request.headers.push_back({"my-header", "  a   b\tc  "});
  request.headers.push_back({"my-header", "d"});
  const std::string canonical = canonical_request(request);
  CHECK(canonical.find("my-header:a b c,d\n") != std::string::npos);
  CHECK(canonical.find("host;my-header\n") != std::string::npos);
}

TEST_CASE("a session token is sent and signed, and only where there is one") {
  Signer signer;
  auto keys = kDocumentedKeys;
  const auto without = signer.sign(documented(Method::Get, "/", ""), keys);
  CHECK(value_of(without, "x-amz-security-token").empty());
  keys.session_token = Secret<std::string>("the-token");
  const auto with = signer.sign(documented(Method::Get, "/", ""), keys);
  CHECK(value_of(with, "x-amz-security-token") == "the-token");
  CHECK(value_of(with, "authorization").find("x-amz-security-token") != std::string::npos);
  CHECK(signature_of(with) != signature_of(without));
}

TEST_CASE("a cached signing key is dropped with its day, region, service and secret") {
  Signer kept;
  const auto fresh = [](const ToSign& request, const SigningKeys& keys) {
    return signature_of(Signer().sign(request, keys));
  };
  auto request = documented(Method::Get, "/", "");
  auto keys = kDocumentedKeys;
  CHECK(signature_of(kept.sign(request, keys)) == fresh(request, keys));
  CHECK(signature_of(kept.sign(request, keys)) == fresh(request, keys));
  request.time += std::chrono::hours(24);
  CHECK(signature_of(kept.sign(request, keys)) == fresh(request, keys));
  request.region = "eu-central-1";
  CHECK(signature_of(kept.sign(request, keys)) == fresh(request, keys));
  request.service = "sts";
  CHECK(signature_of(kept.sign(request, keys)) == fresh(request, keys));
  keys.secret_access_key = Secret<std::string>("another");
  CHECK(signature_of(kept.sign(request, keys)) == fresh(request, keys));
}

TEST_CASE("an unsigned payload is marked as unsigned") {
  auto request = documented(Method::Put, "/key", "");
  request.payload_hash = kUnsignedPayload;
  Signer signer;
  const auto headers = signer.sign(request, kDocumentedKeys);
  CHECK(value_of(headers, "x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
}

TEST_CASE("checksums are encoded as S3 requires") {
  CHECK(sha256_hex(as_bytes("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(md5_base64(as_bytes("abc")) == "kAFQmDzST7DWlj99KOF/cg==");
  CHECK(md5_base64({}) == "1B2M2Y8AsgTpgAmY7PhCfg==");
}

}  // namespace
}  // namespace walwrap::storage
