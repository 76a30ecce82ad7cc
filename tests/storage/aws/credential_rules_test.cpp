#include "walwrap/storage/aws/credential_rules.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "tests/support/text.hpp"

namespace walwrap::storage {
namespace {

using testing::has;

SigningKeys keys_of(std::string id, std::string secret, std::string token = "") {
  return {.access_key_id = std::move(id),
          .secret_access_key = Secret<std::string>(std::move(secret)),
          .session_token = Secret<std::string>(std::move(token))};
}

TEST_CASE("credentials that would break a header or a signature are refused and not shown") {
  struct Row {
    SigningKeys keys;
    std::string_view said;  // "": taken
  };
  const Row rows[] = {
      {keys_of("AKIA1", "a/b+c="), ""},
      {keys_of("AKIA1", "hunter2", "tok/en+=="), ""},
      {keys_of("minio", "four words of hunter2"), ""},
      {keys_of("", "hunter2"), "access key ID"},
      {keys_of("AKIA 1", "hunter2"), "access key ID"},
      {keys_of("AKIA1\r\nx: y", "hunter2"), "access key ID"},
      {keys_of("AKI\xc3\x84", "hunter2"), "access key ID"},
      {keys_of("AKIA1", ""), "secret access key is empty"},
      {keys_of("AKIA1", "hunter2\n"), "the secret access key"},
      {keys_of("AKIA1", "hunter2\r"), "the secret access key"},
      {keys_of("AKIA1", " hunter2"), "the secret access key"},
      {keys_of("AKIA1", "hunter2 "), "the secret access key"},
      {keys_of("AKIA1", "x", "hunter2\n"), "session token"},
      {keys_of("AKIA1", "x", "hunter2 x"), "session token"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.said);
    const auto checked = check_keys(row.keys);
    REQUIRE(checked.has_value() == row.said.empty());
    if (checked) continue;
    CHECK(checked.error().code == Code::Denied);
    CHECK(has(checked.error().text, row.said));
    CHECK_FALSE(has(checked.error().text, "hunter2"));
  }
}

TEST_CASE("a complete answer with credentials is accepted") {
  const auto instance = parse_key_answer(
      R"({"Code":"Success","LastUpdated":"2026-01-01T00:00:00Z","Type":"AWS-HMAC",)"
      R"("AccessKeyId":"ASIA1","SecretAccessKey":"s/1","Token":"t==",)"
      R"("Expiration":"2026-01-01T06:00:00Z"})");
  REQUIRE(instance.has_value());
  CHECK(instance->keys.access_key_id == "ASIA1");
  CHECK(instance->keys.secret_access_key.reveal() == "s/1");
  CHECK(instance->keys.session_token.reveal() == "t==");
  CHECK(instance->expires == parse_rfc3339("2026-01-01T06:00:00Z"));

  const auto lasting =
      parse_key_answer(R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":null})");
  REQUIRE(lasting.has_value());
  CHECK(lasting->keys.session_token.reveal().empty());
  CHECK_FALSE(lasting->expires.has_value());
}

TEST_CASE("an answer with incomplete credentials is refused without showing any of them") {
  struct Row {
    std::string_view json;
    Code code;
    std::string_view said;
  };
  const Row rows[] = {
      {"", Code::Corrupt, "not a JSON"},
      {"hunter2", Code::Corrupt, "not a JSON"},
      {"[\"hunter2\"]", Code::Corrupt, "not a JSON"},
      {"{\"SecretAccessKey\":\"hunter2\"", Code::Corrupt, "not a JSON"},
      {"{\"SecretAccessKey\":\"hunter2\xff\"}", Code::Corrupt, "not a JSON"},
      {"{}", Code::Corrupt, "no AccessKeyId"},
      {R"({"SecretAccessKey":"hunter2"})", Code::Corrupt, "no AccessKeyId"},
      {R"({"AccessKeyId":7,"SecretAccessKey":"hunter2"})", Code::Corrupt, "no AccessKeyId"},
      {R"({"AccessKeyId":"A"})", Code::Corrupt, "no SecretAccessKey"},
      {R"({"AccessKeyId":"A","SecretAccessKey":["hunter2"]})", Code::Corrupt, "no SecretAccessKey"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hunter2\n"})", Code::Corrupt, "control"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hunter2","Token":"a b"})", Code::Corrupt, "token"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"soon"})", Code::Corrupt,
       "Expiration"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":1767225600})", Code::Corrupt,
       "Expiration"},
      {R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume"})", Code::Denied,
       "AssumeRoleUnauthorizedAccess"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto answer = parse_key_answer(row.json);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == row.code);
    CHECK(has(answer.error().text, row.said));
    CHECK_FALSE(has(answer.error().text, "hunter2"));
  }
  const std::string deep(60'000, '[');
  CHECK(parse_key_answer(deep).error().code == Code::Corrupt);
}

TEST_CASE("the role of an instance is the first line if it is a valid name") {
  CHECK(parse_role_name("web-app") == "web-app");
  CHECK(parse_role_name("web+app=1,2.3@x_y\r\nother\n") == "web+app=1,2.3@x_y");
  for (const std::string_view none : {"", "\n", "<html>", "a b", "../x", "a/b", "a?b", "a%2f"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_role_name(none).has_value());
  }
  CHECK_FALSE(parse_role_name(std::string(129, 'x')).has_value());
}

TEST_CASE("a container's service is called over https, or at a local or container address") {
  for (const std::string_view url :
       {"https://example.com/keys", "https://example.com:8443/keys?a=b", "http://localhost/",
        "http://LOCALHOST:81/x", "http://127.0.0.1:8080/x", "http://127.1.2.3/x",
        "http://[::1]:9/x", "http://169.254.170.2/x", "http://169.254.170.23/v1/credentials",
        "http://[FD00:ec2::23]/v1/credentials"}) {
    CAPTURE(url);
    const auto checked = check_service_url(url, PlainHttp::ThisMachineOrContainer);
    CHECK_MESSAGE(checked.has_value(), (checked ? "" : checked.error().text));
  }
  for (const std::string_view url : {"http://example.com/keys",
                                     "http://10.0.0.1/x",
                                     "http://169.254.169.254/x",
                                     "http://127.0.0.1.example.com/x",
                                     "http://127.1/x",
                                     "http://127.0.0.1./x",
                                     "http://127..0.1/x",
                                     "http://localhost.example.com/",
                                     "http://[::2]/x",
                                     "http://[::ffff:10.0.0.1]/x",
                                     "ftp://localhost/x",
                                     "file:///etc/keys",
                                     "localhost/x",
                                     "",
                                     "http:///x",
                                     "http://localhost@example.com/x",
                                     "http://127.0.0.1 .example.com/",
                                     "http://127.0.0.1\\@example.com/x",
                                     "https://example.com/a b",
                                     "https://example.com/\r\nx: y"}) {
    CAPTURE(url);
    const auto checked = check_service_url(url, PlainHttp::ThisMachineOrContainer);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == Code::Denied);
  }
}

TEST_CASE("any other service is called over https, or on this machine") {
  const auto allows = [](std::string_view url) {
    return check_service_url(url, PlainHttp::ThisMachine).has_value();
  };
  CHECK(allows("https://sts.example.com/"));
  CHECK(allows("http://127.0.0.1:9000"));
  CHECK(allows("http://localhost:9000/"));
  CHECK_FALSE(allows("http://sts.example.com/"));
  CHECK_FALSE(allows("http://169.254.170.2/"));
  CHECK_FALSE(allows("http://[fd00:ec2::23]/"));
  CHECK_FALSE(allows("sts.example.com"));
}

TEST_CASE("a server's message is shown in one short line without the secret sent to it") {
  const std::string_view token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl";
  CHECK(without_secret("Not authorized to perform sts:AssumeRole", token) ==
        "Not authorized to perform sts:AssumeRole");
  CHECK(without_secret("bad token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl!",
                       token) == "bad token ***.***.***!");
  CHECK(without_secret("token=eyJhbGciOiJSU...", token) == "token=***...");
  CHECK(without_secret("a\nb\x1b[31mc", token) == "a b [31mc");
  CHECK(without_secret(std::string(5'000, 'x'), token).size() == 200);
  CHECK(without_secret("", "").empty());
}

}  // namespace
}  // namespace walwrap::storage
