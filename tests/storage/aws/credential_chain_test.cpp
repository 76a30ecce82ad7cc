#include "walwrap/storage/aws/credential_chain.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
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

CredentialChain chain_on(Rig& rig, SharedCredentials* shared = nullptr) {
  return CredentialChain({.environment = rig.environment(),
                          .transport = rig.transport,
                          .clock = rig.clock,
                          .log = rig.log,
                          .region = "eu-west-1",
                          .shared = shared});
}

// "source: id", or "code: text"; no error shows a secret.
std::string keys_text(const Result<Credentials>& found) {
  if (found) return fmt::format("{}: {}", found->source, found->keys.access_key_id);
  CHECK_FALSE(has(found.error().text, "hunter2"));
  return fmt::format("{}: {}", code_name(found.error().code), found.error().text);
}

void check_no_secret(const Rig& rig) {
  for (const auto& line : rig.lines) {
    CAPTURE(line);
    CHECK_FALSE(has(line, "hunter2"));
  }
}

void set_environment(Rig& rig) {
  rig.variables["AWS_ACCESS_KEY_ID"] = "AKIA";
  rig.variables["AWS_SECRET_ACCESS_KEY"] = "hunter2";
}
void set_role(Rig& rig) {
  rig.variables["AWS_ROLE_ARN"] = "arn:r";
  rig.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = rig.file("token", "hunter2-jwt");
  rig.transport.on("POST https://sts.eu-west-1.amazonaws.com/",
                   {FakeTransport::answer(200, sts_xml(1, rig.clock.wall() + 1h))});
}
void set_profile(Rig& rig) {
  rig.variables["HOME"] = rig.dir.path().string();
  rig.file(".aws/credentials",
           "[default]\naws_access_key_id = P\naws_secret_access_key = hunter2\n");
}
void set_container(Rig& rig) {
  rig.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  rig.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "hunter2";
  rig.transport.on("GET http://169.254.170.2/x",
                   {FakeTransport::answer(200, key_json(2, rig.clock.wall() + 1h))});
}
void set_instance_keys(Rig& rig) {
  set_instance(rig.transport, {FakeTransport::answer(200, key_json(3, rig.clock.wall() + 1h))});
}
constexpr const char* kInstanceKeys =
    "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/web";

TEST_CASE("the first configured credential source is used, in the order of the AWS tools") {
  struct Row {
    void (*set)(Rig& rig);
    std::string_view what;
  };
  // From the last to the first: each wins over those set before it.
  const Row rows[] = {{set_instance_keys, "instance role web: ASIA3"},
                      {set_container, "container: ASIA2"},
                      {set_profile, "profile default: P"},
                      {set_role, "web identity arn:r: ASIA1"},
                      {set_environment, "environment: AKIA"}};
  Rig rig;
  for (const Row& row : rows) {
    row.set(rig);
    rig.lines.clear();
    auto chain = chain_on(rig);
    CHECK(keys_text(chain.get()) == row.what);
    REQUIRE(rig.lines.size() == 1);
    CHECK(has(rig.lines[0], "level=debug"));
    CHECK(has(rig.lines[0], row.what.substr(0, row.what.find(':'))));
    check_no_secret(rig);
  }
}

TEST_CASE("a failing credential source is not skipped for another identity") {
  struct Row {
    void (*spoil)(Rig& rig);
    std::string_view said;
  };
  const Row rows[] = {
      {[](Rig& rig) { rig.variables["AWS_SECRET_ACCESS_KEY"] = "hunter2"; },
       "denied: AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"},
      {[](Rig& rig) {
         set_role(rig);
         rig.transport.on("POST https://sts.eu-west-1.amazonaws.com/",
                          {FakeTransport::answer(403, sts_error("AccessDenied", "hunter2-jwt"))});
       },
       "denied: web identity: STS answers 403 AccessDenied: ***"},
      {[](Rig& rig) {
         set_role(rig);
         rig.transport.on("POST https://sts.eu-west-1.amazonaws.com/",
                          {FakeTransport::fault(Code::Unavailable)});
       },
       "unavailable: web identity: no answer"},
      {[](Rig& rig) { rig.variables["AWS_PROFILE"] = "none"; }, "denied: AWS_PROFILE is none"},
      {[](Rig& rig) {
         set_container(rig);
         rig.transport.on("GET http://169.254.170.2/x", {FakeTransport::answer(500, "hunter2")});
       },
       "unavailable: container credentials: the answer has status 500"},
  };
  for (const Row& row : rows) {
    Rig rig;
    set_instance_keys(rig);
    row.spoil(rig);
    auto chain = chain_on(rig);
    const std::string said = keys_text(chain.get());
    CHECK_MESSAGE(has(said, row.said), said);
    CHECK(rig.transport.count("GET http://169.254.169.254") == 0);
    CHECK(rig.lines.empty());  // it is the caller's to say
  }
}

TEST_CASE("without a credential source the error says what was checked and what to type") {
  Rig rig;
  rig.variables["HOME"] = "/none";
  auto chain = chain_on(rig);
  CHECK(keys_text(chain.get()) ==
        "invalid: no credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (tried: "
        "no AWS_ACCESS_KEY_ID in the environment, no AWS_WEB_IDENTITY_TOKEN_FILE, no profile "
        "default in /none/.aws/credentials or /none/.aws/config, no "
        "AWS_CONTAINER_CREDENTIALS_FULL_URI, no answer from the instance metadata service (IMDS))");
  set_environment(rig);
  CHECK(keys_text(chain.get()) == "environment: AKIA");
}

TEST_CASE("the role of a profile is assumed with its token") {
  Rig rig;
  set_role(rig);
  const std::string token = rig.variables["AWS_WEB_IDENTITY_TOKEN_FILE"];
  rig.variables.clear();
  rig.variables["HOME"] = rig.dir.path().string();
  rig.file(".aws/config", "[default]\nrole_arn = arn:p\nweb_identity_token_file = " + token + "\n");
  auto chain = chain_on(rig);
  const auto found = chain.get();
  CHECK(keys_text(found) == "profile default arn:p: ASIA1");
  REQUIRE(found.has_value());
  CHECK(found->kind == CredentialSource::Profile);
}

// An instance whose n-th keys are ASIAn and live for an hour from when they are fetched.
struct InstanceRig : Rig {
  int given = 0;
  bool is_down = false;

  InstanceRig() {
    transport.otherwise([this](const http::Request& request) {
      if (is_down) return FakeTransport::fault(Code::Unavailable, "timed out");
      if (request.method == http::Method::Put) return FakeTransport::answer(200, "hunter2-imds");
      if (request.url.ends_with('/')) return FakeTransport::answer(200, "web");
      return FakeTransport::answer(200, key_json(++given, clock.wall() + 1h));
    });
  }
};

TEST_CASE("credentials are refreshed before they expire, and used while a refresh fails") {
  InstanceRig rig;
  auto chain = chain_on(rig);
  CHECK(keys_text(chain.get()) == "instance role web: ASIA1");
  rig.clock.advance(54min);
  CHECK(keys_text(chain.get()) == "instance role web: ASIA1");
  rig.clock.advance(1min);
  CHECK(keys_text(chain.get()) == "instance role web: ASIA2");

  rig.is_down = true;
  rig.clock.advance(55min);
  rig.lines.clear();
  rig.transport.sent.clear();
  for (int second = 0; second < 290; second += 10) {
    CHECK(keys_text(chain.get()) == "instance role web: ASIA2");
    rig.clock.advance(10s);
  }
  CHECK(rig.transport.sent.size() == 10);  // 5 tries of 2 requests
  CHECK(rig.count_lines("level=warn msg=\"credentials could not be refreshed") == 1);
  CHECK(rig.lines.size() == 1);
  rig.clock.advance(10s);
  CHECK(keys_text(chain.get()) == "unavailable: instance credentials: timed out");
  CHECK(keys_text(chain.get()) == "unavailable: instance credentials: timed out");
  CHECK(rig.lines.size() == 1);

  rig.is_down = false;
  CHECK(keys_text(chain.get()) == "instance role web: ASIA3");
  CHECK(rig.count_lines("level=info msg=\"credentials can be refreshed again\"") == 1);
  rig.clock.advance(55min);
  rig.is_down = true;
  chain.get().value();
  CHECK(rig.count_lines("level=warn") == 2);  // another episode
  check_no_secret(rig);
}

TEST_CASE("refused credentials are fetched again at once, but not repeatedly") {
  InstanceRig rig;
  auto chain = chain_on(rig);
  chain.forget();  // of nothing
  CHECK(keys_text(chain.get()) == "instance role web: ASIA1");
  for (int i = 0; i < 100; ++i) {
    chain.forget();
    CHECK(keys_text(chain.get()) == "instance role web: ASIA2");
  }
  CHECK(rig.given == 2);
  rig.clock.advance(10s);
  chain.forget();
  CHECK(keys_text(chain.get()) == "instance role web: ASIA3");

  rig.clock.advance(10s);
  rig.is_down = true;
  chain.forget();
  rig.transport.sent.clear();
  for (int i = 0; i < 100; ++i) {
    CHECK(keys_text(chain.get()) == "unavailable: instance credentials: timed out");
    chain.forget();
  }
  CHECK(rig.transport.sent.size() == 2);
  rig.is_down = false;
  rig.clock.advance(10s);
  CHECK(keys_text(chain.get()) == "instance role web: ASIA4");
}

TEST_CASE("secrets in files are read again when the store refuses the current ones") {
  Rig rig;
  rig.variables = {{"AWS_ACCESS_KEY_ID_FILE", rig.file("id", "A\n")},
                   {"AWS_SECRET_ACCESS_KEY_FILE", rig.file("secret", "hunter2\n")}};
  auto chain = chain_on(rig);
  CHECK(keys_text(chain.get()) == "environment: A");
  rig.file("id", "B\n");
  CHECK(keys_text(chain.get()) == "environment: A");
  chain.forget();
  CHECK(keys_text(chain.get()) == "environment: B");
}

TEST_CASE("a credential source that has worked is not replaced when it fails") {
  Rig rig;
  set_profile(rig);
  set_instance_keys(rig);
  auto chain = chain_on(rig);
  CHECK(keys_text(chain.get()) == "profile default: P");
  rig.file(".aws/credentials", "[other]\n");
  chain.forget();
  CHECK(has(keys_text(chain.get()),
            "denied: profile default no longer gives credentials: no profile default in "));
  CHECK(rig.transport.sent.empty());
}

TEST_CASE("a stop during a request reports nothing about the credential service") {
  for (const auto code : {Code::Cancelled, Code::Deadline}) {
    InstanceRig rig;
    auto chain = chain_on(rig);
    chain.get().value();
    rig.clock.advance(55min);
    rig.transport.on("PUT http://169.254.169.254/latest/api/token",
                     {FakeTransport::fault(code), FakeTransport::answer(200, "token")});
    CHECK(keys_text(chain.get()) == "instance role web: ASIA1");
    CHECK(rig.count_lines("level=warn") == 0);
    CHECK(keys_text(chain.get()) == "instance role web: ASIA2");

    Rig first;
    first.transport.otherwise([&](const http::Request&) { return FakeTransport::fault(code); });
    auto fresh = chain_on(first);
    CHECK(fresh.get().error().code == code);
  }
}

TEST_CASE("chains that share credentials ask the service once") {
  InstanceRig rig;
  SharedCredentials shared;
  std::vector<CredentialChain> chains;
  for (int i = 0; i < 8; ++i) chains.push_back(chain_on(rig, &shared));
  const auto all_have = [&](std::string_view id) {
    for (auto& chain : chains)
      CHECK(keys_text(chain.get()) == fmt::format("instance role web: {}", id));
  };
  all_have("ASIA1");
  CHECK(rig.given == 1);
  rig.clock.advance(55min);
  all_have("ASIA2");
  CHECK(rig.given == 2);
  // Refused ones are not taken from there again; the first that fetches does it for the others.
  for (auto& chain : chains) chain.forget();
  all_have("ASIA3");
  CHECK(rig.given == 3);
  // Nor is somebody else's word taken that has run out.
  rig.clock.advance(2h);
  auto late = chain_on(rig, &shared);
  CHECK(keys_text(late.get()) == "instance role web: ASIA4");
  CHECK(rig.given == 4);
}

TEST_CASE("credentials that arrive expired because of a wrong clock are still used") {
  Rig rig;
  set_instance(rig.transport,
               {FakeTransport::answer(200, key_json(1, rig.clock.wall() - std::chrono::hours(3)))});
  auto chain = chain_on(rig);
  for (int i = 0; i < 10; ++i) CHECK(keys_text(chain.get()) == "instance role web: ASIA1");
  CHECK(rig.transport.count(kInstanceKeys) == 1);
  check_no_secret(rig);
}

}  // namespace
}  // namespace walwrap::storage
