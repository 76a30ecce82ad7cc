#include "walwrap/storage/aws/credential_endpoints.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/key_rig.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;

namespace walwrap::storage {
namespace {

using testing::FakeTransport;
using testing::has;
using testing::key_json;
using testing::set_instance;
using testing::sts_error;
using testing::sts_xml;
using Rig = testing::KeyRig;
using Variables = std::map<std::string, std::string, std::less<>>;

Result<http::Response> answer(int status, std::string_view body) {
  return FakeTransport::answer(status, body);
}
Result<http::Response> fault(Code code, std::string_view text = "no answer") {
  return FakeTransport::fault(code, text);
}

const WallTime kExpires = *parse_rfc3339("2026-01-01T06:00:00Z");

// "source: id secret token expiry", "absent: why", or "code: text"; no error shows a secret.
std::string finding_text(const Result<Finding>& finding) {
  if (!finding) {
    CHECK_FALSE(has(finding.error().text, "hunter2"));
    return fmt::format("{}: {}", code_name(finding.error().code), finding.error().text);
  }
  if (!finding->credentials) return "absent: " + finding->absent;
  const auto& found = *finding->credentials;
  return fmt::format("{}: {} {} {} {}", found.source, found.keys.access_key_id,
                     found.keys.secret_access_key.reveal(), found.keys.session_token.reveal(),
                     found.expires ? format_rfc3339(*found.expires) : "never");
}

std::string take(Rig& rig, std::string_view region = "eu-west-1") {
  const auto environment = rig.environment();
  auto role = find_web_identity(environment);
  REQUIRE(role.has_value());
  REQUIRE(role->role.has_value());
  auto taken = take_role(*role->role, {environment, rig.transport, region});
  if (!taken) return finding_text(fail(taken.error()));
  CHECK(taken->kind == CredentialSource::WebIdentity);
  return finding_text(Finding{.credentials = *std::move(taken)});
}
std::string ask_container_of(Rig& rig) {
  const auto environment = rig.environment();
  return finding_text(ask_container({environment, rig.transport, ""}));
}
std::string ask_instance_of(Rig& rig, Instance instance = Instance::May) {
  const auto environment = rig.environment();
  return finding_text(ask_instance({environment, rig.transport, ""}, instance));
}

void set_web_role(Rig& rig, std::string_view token = "hunter2.jwt/+=\n") {
  rig.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/x";
  rig.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = rig.file("token", token);
}

TEST_CASE("a role is assumed at STS with the token that is in its file at that time") {
  Rig rig;
  set_web_role(rig);
  rig.variables["AWS_ROLE_SESSION_NAME"] = "machine 7";
  rig.transport.otherwise([](const http::Request&) { return answer(200, sts_xml(1, kExpires)); });
  CHECK(take(rig) ==
        "web identity arn:aws:iam::1:role/x: ASIA1 hunter2-secret1 hunter2-token1 "
        "2026-01-01T06:00:00.000Z");
  REQUIRE(rig.transport.sent.size() == 1);
  const auto& sent = rig.transport.sent[0];
  CHECK(sent.what == "POST https://sts.eu-west-1.amazonaws.com/");
  CHECK(sent.body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&DurationSeconds=3600"
        "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&RoleSessionName=machine%207"
        "&WebIdentityToken=hunter2.jwt%2F%2B%3D");
  CHECK(sent.headers.at("content-type") == "application/x-www-form-urlencoded");
  CHECK_FALSE(sent.headers.contains("authorization"));
  CHECK(sent.limit == CredentialService::kStsLimit);
  CHECK(sent.response_limit == CredentialService::kAnswerLimit);
  rig.file("token", "renewed");
  take(rig);
  CHECK(has(rig.transport.sent[1].body, "&WebIdentityToken=renewed"));
}

TEST_CASE("STS is called in the region or at the endpoint from the environment") {
  struct Row {
    std::string_view region;
    std::string_view set;
    std::string_view url;
  };
  const Row rows[] = {
      {"us-east-1", "", "https://sts.us-east-1.amazonaws.com/"},
      {"cn-north-1", "", "https://sts.cn-north-1.amazonaws.com.cn/"},
      {"", "", "https://sts.amazonaws.com/"},
      {"auto", "", "https://sts.amazonaws.com/"},
      {"x-y.example.com/", "", "https://sts.amazonaws.com/"},
      {"us-east-1", "http://127.0.0.1:9000", "http://127.0.0.1:9000/"},
      {"us-east-1", "https://sts.example.com/", "https://sts.example.com/"},
  };
  for (const Row& row : rows) {
    Rig rig;
    set_web_role(rig);
    rig.variables["AWS_ENDPOINT_URL_STS"] = row.set;
    rig.transport.otherwise([](const http::Request&) { return answer(200, sts_xml(1, kExpires)); });
    take(rig, row.region);
    CHECK(rig.transport.sent.at(0).what == fmt::format("POST {}", row.url));
  }
}

TEST_CASE("a role's token is never sent in plain text over a network") {
  Rig rig;
  set_web_role(rig);
  rig.variables["AWS_ENDPOINT_URL_STS"] = "http://sts.example.com/";
  const auto refused = take(rig);
  CHECK(has(refused, "AWS_ENDPOINT_URL_STS: http is allowed only for localhost; use https for"));
  CHECK(rig.transport.sent.empty());
}

TEST_CASE("a refusal by STS is final or repeated later, and never shows the token") {
  struct Row {
    Result<http::Response> answer;
    std::string_view said;
    int tries;
  };
  const Row rows[] = {
      {answer(403, sts_error("AccessDenied", "Not authorized to perform sts:AssumeRole")),
       "denied: web identity: STS answers 403 AccessDenied: Not authorized to perform "
       "sts:AssumeRole",
       1},
      {answer(400, sts_error("InvalidIdentityToken", "bad: hunter2-is-the-jwt")),
       "denied: web identity: STS answers 400 InvalidIdentityToken: bad: ***", 1},
      {answer(400, sts_error("IDPCommunicationError", "later")), "unavailable: web identity: STS",
       1},
      {answer(400, sts_error("Throttling", "Rate exceeded")), "unavailable: web identity: STS", 1},
      {answer(503, "<html>hunter2</html>"), "unavailable: web identity: STS answers 503", 2},
      {answer(403, "<html>hunter2</html>"), "denied: web identity: STS answers 403", 1},
      {answer(301, ""), "denied: web identity: STS answers 301", 1},
      {answer(200, "<html>hunter2</html>"), "unavailable: web identity: ", 1},
      {answer(200, ""), "unavailable: web identity: ", 1},
      {answer(200, sts_xml(1, kExpires).replace(150, 60, "")), "unavailable: web identity: ", 1},
      {fault(Code::Unavailable, "no address"), "unavailable: web identity: no address", 2},
      {fault(Code::Unknown, "broke off"), "unavailable: web identity: broke off", 2},
      {fault(Code::Corrupt, "too large"), "unavailable: web identity: too large", 2},
      {fault(Code::Denied, "certificate"), "denied: web identity: certificate", 1},
      {fault(Code::Invalid, "no URL"), "denied: web identity: no URL", 1},
      {fault(Code::Cancelled, "interrupted"), "cancelled: web identity: interrupted", 1},
      {fault(Code::Deadline, "too late"), "deadline: web identity: too late", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.said);
    Rig rig;
    set_web_role(rig, "hunter2-is-the-jwt");
    rig.transport.otherwise([&](const http::Request&) { return row.answer; });
    const std::string said = take(rig);
    CHECK_MESSAGE(has(said, row.said), said);
    CHECK(rig.transport.sent.size() == static_cast<std::size_t>(row.tries));
  }
  Rig rig;
  set_web_role(rig);
  rig.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/none/token";
  CHECK(take(rig) ==
        "denied: web identity: the role's token: open /none/token: No such file or directory");
  rig.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = rig.file("token", "\n");
  CHECK(has(take(rig), "is empty"));
  CHECK(rig.transport.sent.empty());
}

TEST_CASE("container credentials are requested from the platform's URL with its token") {
  struct Row {
    Variables variables;
    std::string_view url;
    std::string_view token;
  };
  const Row rows[] = {
      {{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x"}},
       "http://169.254.170.2/v2/credentials/x",
       ""},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic hunter2"}},
       "http://169.254.170.23/v1/credentials",
       "Basic hunter2"},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://example.com/x"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}},
       "http://169.254.170.2/x",
       ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    Rig rig;
    rig.variables = row.variables;
    rig.transport.on(fmt::format("GET {}", row.url), {answer(200, key_json(1, kExpires))});
    CHECK(ask_container_of(rig) ==
          "container: ASIA1 hunter2-secret1 hunter2-token1 2026-01-01T06:00:00.000Z");
    const auto& sent = rig.transport.sent.at(0);
    CHECK(sent.headers.contains("authorization") == !row.token.empty());
    if (!row.token.empty()) CHECK(sent.headers.at("authorization") == row.token);
    CHECK(sent.limit == CredentialService::kContainerLimit);
    CHECK(sent.response_limit == CredentialService::kAnswerLimit);
  }

  Rig rig;
  rig.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x"},
                   {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "old"},
                   {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", rig.file("token", "new1\n")}};
  rig.transport.on("GET http://localhost/x", {answer(200, key_json(1, kExpires))});
  ask_container_of(rig);
  rig.file("token", "new2");
  ask_container_of(rig);
  CHECK(rig.transport.sent[0].headers.at("authorization") == "new1");
  CHECK(rig.transport.sent[1].headers.at("authorization") == "new2");
}

TEST_CASE("container credentials without an expiry never expire") {
  Rig rig;
  rig.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost/x";
  rig.transport.on("GET http://localhost/x",
                   {answer(200, R"({"AccessKeyId":"A","SecretAccessKey":"s"})")});
  CHECK(ask_container_of(rig) == "container: A s  never");
}

TEST_CASE("an invalid container URL or token is reported, and nothing is sent") {
  struct Row {
    Variables variables;
    std::string_view said;
  };
  const Row rows[] = {
      {{}, "absent: no AWS_CONTAINER_CREDENTIALS_FULL_URI"},
      {{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@example.com/x"}},
       "denied: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'"},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/x"}},
       "denied: AWS_CONTAINER_CREDENTIALS_FULL_URI: http is allowed only for localhost"},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://hunter2@example.com/x"}},
       "denied: AWS_CONTAINER_CREDENTIALS_FULL_URI: "},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2\r\nx: y"}},
       "denied: AWS_CONTAINER_AUTHORIZATION_TOKEN contains a line break"},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/none"}},
       "denied: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: open /none"},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.variables = row.variables;
    const std::string said = ask_container_of(rig);
    CHECK_MESSAGE(has(said, row.said), said);
    CHECK(rig.transport.sent.empty());
  }
}

TEST_CASE("a refusal by a service is final, and a failing service is tried again later") {
  struct Row {
    std::vector<Result<http::Response>> answers;
    std::string_view said;
    int tries;
  };
  const Row rows[] = {
      {{answer(403, "hunter2")}, "denied: container credentials: the answer has status 403", 1},
      {{answer(404, "hunter2")}, "denied: container credentials: the answer has status 404", 1},
      {{answer(302, "hunter2")}, "denied: container credentials: the answer has status 302", 1},
      {{answer(500, "hunter2")},
       "unavailable: container credentials: the answer has status 500",
       2},
      {{answer(429, "hunter2")},
       "unavailable: container credentials: the answer has status 429",
       2},
      {{answer(200, "hunter2")}, "unavailable: container credentials: the answer is not a JSON", 1},
      {{answer(200, R"({"AccessKeyId":"hunter2"})")},
       "unavailable: container credentials: the answer has no SecretAccessKey",
       1},
      {{answer(200, R"({"Code":"Failed"})")}, "denied: container credentials: it says Failed", 1},
      {{answer(200, std::string(70'000, 'x'))},
       "unavailable: container credentials: the answer is larger",
       2},
      {{fault(Code::Unavailable)}, "unavailable: container credentials: no answer", 2},
      {{fault(Code::Cancelled)}, "cancelled: container credentials: no answer", 1},
      {{answer(500, ""), answer(200, key_json(1, kExpires))}, "container: ASIA1", 2},
      {{fault(Code::Unknown), answer(200, key_json(1, kExpires))}, "container: ASIA1", 2},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
    rig.transport.on("GET http://169.254.170.2/x", row.answers);
    const std::string said = ask_container_of(rig);
    CHECK_MESSAGE(has(said, row.said), said);
    CHECK(rig.transport.sent.size() == static_cast<std::size_t>(row.tries));
  }
}

TEST_CASE("instance credentials are those of its role, requested with a session token") {
  Rig rig;
  set_instance(rig.transport, {answer(200, key_json(1, kExpires))});
  CHECK(ask_instance_of(rig) ==
        "instance role web: ASIA1 hunter2-secret1 hunter2-token1 2026-01-01T06:00:00.000Z");
  REQUIRE(rig.transport.sent.size() == 3);
  CHECK(rig.transport.sent[0].headers.at("x-aws-ec2-metadata-token-ttl-seconds") == "21600");
  for (const auto& sent : rig.transport.sent) {
    CHECK(sent.limit == 1s);
    CHECK(sent.response_limit == CredentialService::kAnswerLimit);
    if (sent.what.starts_with("GET")) {
      CHECK(sent.headers.at("x-aws-ec2-metadata-token") == "hunter2-imds");
    }
  }
}

TEST_CASE("the instance service is called as the environment says, or not at all") {
  struct Row {
    Variables variables;
    std::string_view url;   // "": not asked
    std::string_view said;  // then
  };
  const std::string mode = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
  const std::string endpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
  const Row rows[] = {
      {{}, "http://169.254.169.254", ""},
      {{{mode, "IPv4"}}, "http://169.254.169.254", ""},
      {{{mode, "IPv6"}}, "http://[fd00:ec2::254]", ""},
      {{{endpoint, "http://127.0.0.1:1338/"}}, "http://127.0.0.1:1338", ""},
      {{{endpoint, "http://127.0.0.1:1338"}, {mode, "IPv6"}}, "http://127.0.0.1:1338", ""},
      {{{"AWS_EC2_METADATA_DISABLED", "false"}}, "http://169.254.169.254", ""},
      {{{mode, "IPv5"}}, "", "denied: AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6"},
      {{{endpoint, "127.0.0.1"}}, "", "denied: AWS_EC2_METADATA_SERVICE_ENDPOINT is not an http"},
      {{{endpoint, "file:///x"}}, "", "denied: AWS_EC2_METADATA_SERVICE_ENDPOINT is not an http"},
      {{{"AWS_EC2_METADATA_DISABLED", "true"}}, "", "absent: the instance metadata service is"},
      {{{"AWS_EC2_METADATA_DISABLED", "TRUE"}}, "", "absent: the instance metadata service is"},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.variables = row.variables;
    set_instance(rig.transport, {answer(200, key_json(1, kExpires))}, std::string(row.url));
    const std::string said = ask_instance_of(rig);
    CHECK_MESSAGE(has(said, row.url.empty() ? row.said : "instance role web: "), said);
    CHECK(rig.transport.sent.size() == (row.url.empty() ? 0U : 3U));
  }
}

struct InstanceRow {
  std::string_view what;  // "PUT", "roles" or "keys" is answered so
  std::vector<Result<http::Response>> answers;
  std::string_view may;   // what is said when nothing is expected of an instance
  std::string_view must;  // and when it has given keys before; "": the same
  int tries;
};

void check_row(const InstanceRow& row, Instance instance) {
  Rig rig;
  const std::string url = testing::kInstanceUrl;
  const std::string roles = "GET " + url + "/latest/meta-data/iam/security-credentials/";
  set_instance(rig.transport, {answer(200, key_json(1, kExpires))});
  const std::string what = row.what == "PUT"     ? "PUT " + url + "/latest/api/token"
                           : row.what == "roles" ? roles
                                                 : roles + "web";
  rig.transport.on(what, row.answers);
  const std::string said = ask_instance_of(rig, instance);
  const bool is_same = instance == Instance::May || row.must.empty();
  CHECK_MESSAGE(has(said, is_same ? row.may : row.must), said);
  int tries = 0;
  for (const auto& sent : rig.transport.sent) tries += sent.what == what;
  CHECK(tries == row.tries);
}

TEST_CASE("a machine without an instance service has no credentials, a silent one is an error") {
  const InstanceRow rows[] = {
      {"PUT", {fault(Code::Unavailable)}, "absent: no answer", "unavailable: instance cred", 2},
      {"PUT", {fault(Code::Unknown)}, "absent: no answer", "unavailable: instance cred", 2},
      {"PUT", {fault(Code::Cancelled)}, "cancelled: instance credentials", "", 1},
      {"PUT", {answer(404, "hunter2")}, "absent: no IMDSv2 token", "denied: instance cred", 1},
      {"PUT", {answer(405, "hunter2")}, "absent: no IMDSv2 token", "denied: instance cred", 1},
      {"PUT", {answer(403, "hunter2")}, "absent: no IMDSv2 token", "denied: instance cred", 1},
      {"PUT",
       {answer(503, "hunter2")},
       "unavailable: instance credentials: the answer has status 503",
       "",
       2},
      {"PUT", {answer(200, "a\r\nhunter2")}, "unavailable: instance credentials: the token", "", 1},
      {"PUT",
       {answer(200, "")},
       "unavailable: instance credentials: the token in its answer",
       "",
       1},
      {"roles", {answer(404, "")}, "absent: an instance without", "denied: instance cred", 1},
      {"roles", {answer(200, "")}, "absent: an instance without", "denied: instance cred", 1},
      {"roles",
       {answer(401, "")},
       "denied: instance credentials: the answer has status 401",
       "",
       1},
      {"roles", {answer(200, "<html>")}, "unavailable: instance credentials: the role", "", 1},
      {"roles", {fault(Code::Unavailable)}, "unavailable: instance credentials: no answer", "", 2},
      {"roles", {answer(500, ""), answer(200, "web")}, "instance role web: ASIA1", "", 2},
      {"keys",
       {answer(404, "hunter2")},
       "denied: instance credentials: the answer has status 404",
       "",
       1},
      {"keys", {answer(200, "hunter2")}, "unavailable: instance credentials: the answer is", "", 1},
      {"keys",
       {answer(200, R"({"AccessKeyId":"A","SecretAccessKey":"hunter2"})")},
       "unavailable: instance credentials: the answer has no Expiration",
       "",
       1},
      {"keys",
       {answer(200, R"({"Code":"AssumeRoleUnauthorizedAccess"})")},
       "denied: instance credentials: it says AssumeRoleUnauthorizedAccess",
       "",
       1},
  };
  for (const auto& row : rows) {
    for (const auto instance : {Instance::May, Instance::Must}) {
      CAPTURE(row.what);
      CAPTURE(row.may);
      check_row(row, instance);
    }
  }
  Rig rig;
  rig.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338";
  CHECK(has(ask_instance_of(rig), "unavailable: instance credentials: no such address"));
}

}  // namespace
}  // namespace walwrap::storage
