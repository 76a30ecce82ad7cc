#include "walwrap/storage/s3/s3_client.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/s3_rig.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::storage;
using testing::has;
using testing::S3Fault;
using testing::S3Rig;

namespace {

std::unique_ptr<S3Session> session_on(S3Rig& rig, const std::string& url = S3Rig::kUrl) {
  return std::make_unique<S3Session>(S3Session::Dependencies{.target = rig.target(url),
                                                             .transport = rig.transport(),
                                                             .environment = rig.environment(),
                                                             .clock = rig.clock,
                                                             .log = rig.log});
}

// Keeps what it is asked, and says that it is done.
class Recorder : public http::Transport {
 public:
  explicit Recorder(std::vector<http::Request>& asked) : asked_(asked) {}
  Result<http::Response> perform(const http::Request& request) override {
    asked_.push_back(request);
    http::Response response;
    response.status = 200;
    return response;
  }

 private:
  std::vector<http::Request>& asked_;
};

std::string field(const http::Request& request, std::string_view name) {
  std::string value;
  int times = 0;
  for (const auto& header : request.headers) {
    if (header.name != name) continue;
    value = header.value;
    ++times;
  }
  CHECK_MESSAGE(times <= 1, std::string(name));
  return value;
}

S3Request put_request(ByteSpan body) {
  S3Request request;
  request.method = http::Method::Put;
  request.key = "0000/a b";
  request.query = {{"uploadId", "x/y="}, {"partNumber", "1"}};
  request.headers = {{"content-type", "application/octet-stream"}};
  request.body = body;
  return request;
}

S3Request get_request() {
  S3Request request;
  request.key = "k";
  return request;
}

}  // namespace

TEST_CASE("a request is signed and has the hashes of its body") {
  S3Rig rig;
  std::vector<http::Request> sent;
  rig.transport = [&] { return std::make_unique<Recorder>(sent); };
  const auto session = session_on(rig);
  REQUIRE(session->perform(put_request(as_bytes("hello"))).has_value());
  REQUIRE(sent.size() == 1);
  const http::Request& request = sent[0];
  CHECK(request.method == http::Method::Put);
  CHECK(request.url ==
        "http://127.0.0.1:9000/bucket/app/db/0000/a%20b?partNumber=1&uploadId=x%2Fy%3D");
  CHECK(as_text(request.body) == "hello");
  CHECK(field(request, "host") == "127.0.0.1:9000");
  CHECK(field(request, "content-type") == "application/octet-stream");
  CHECK(field(request, "content-md5") == "XUFAKrxLKna5cZ2REBfFkg==");
  CHECK(field(request, "x-amz-content-sha256") ==
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  CHECK(field(request, "x-amz-date") == "20260101T000000Z");
  CHECK(has(field(request, "authorization"),
            "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request"));
  CHECK(has(field(request, "authorization"), "content-md5;content-type;host;"));
  CHECK(field(request, "x-amz-security-token").empty());
}

TEST_CASE("credentials replaced in their file are read again when the store refuses them") {
  S3Rig rig;
  const testing::TempDir dir;
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(dir / name) << text;
    return (dir / name).string();
  };
  rig.set_variable("AWS_ACCESS_KEY_ID", "");
  rig.set_variable("AWS_SECRET_ACCESS_KEY", "");
  rig.set_variable("AWS_ACCESS_KEY_ID_FILE", write("id", "key"));
  rig.set_variable("AWS_SECRET_ACCESS_KEY_FILE", write("secret", "secret"));
  const auto session = session_on(rig);
  CHECK(session->perform(get_request())->meaning == Meaning::NotThere);
  rig.server.owner.access_key = "newer";
  write("id", "newer");
  CHECK(session->perform(get_request())->meaning == Meaning::NotThere);
  write("id", "newer-still");
  rig.server.owner.access_key = "newer-still";
  rig.clock.advance(std::chrono::seconds(20));
  auto head = get_request();
  head.method = http::Method::Head;
  CHECK(session->perform(head)->meaning == Meaning::NotThere);
  // Those that are wrong and stay so are asked for once, and not again and again.
  rig.server.owner.access_key = "newest";
  rig.clock.advance(std::chrono::seconds(20));
  const auto before = rig.server.calls().size();
  CHECK(session->perform(get_request())->meaning == Meaning::Denied);
  CHECK(rig.server.calls().size() == before + 1);
}

TEST_CASE("every request has the session token and the provider's own header") {
  S3Rig rig;
  rig.set_variable("AWS_SESSION_TOKEN", "temporary");
  std::vector<http::Request> sent;
  rig.transport = [&] { return std::make_unique<Recorder>(sent); };
  const auto session =
      session_on(rig, "s3://bucket/app/db?endpoint=https://fly.storage.tigris.dev");
  REQUIRE(session->perform(get_request()).has_value());
  REQUIRE(sent.size() == 1);
  CHECK(field(sent[0], "x-amz-security-token") == "temporary");
  CHECK(field(sent[0], "x-tigris-consistent") == "true");
  CHECK(field(sent[0], "content-md5").empty());
}

TEST_CASE("a larger body gets more time") {
  S3Rig rig;
  std::vector<http::Request> sent;
  rig.transport = [&] { return std::make_unique<Recorder>(sent); };
  const auto session = session_on(rig);
  const ByteVector part(8 << 20);
  REQUIRE(session->perform(get_request()).has_value());
  REQUIRE(session->perform(put_request(part)).has_value());
  CHECK(sent[0].limit == 30s);
  CHECK(sent[1].limit == 30s + 128s);
}

TEST_CASE("a wrong clock is corrected from the store's clock, once") {
  for (const auto off : {std::chrono::hours(3), std::chrono::hours(-3)}) {
    S3Rig rig;
    rig.server.set("app/db/k", "x");
    const WallTime start = rig.clock.wall();
    rig.server.now = [&rig, off] { return rig.clock.wall() + off; };
    const auto session = session_on(rig);
    const auto reply = session->perform(get_request());
    REQUIRE_MESSAGE(reply.has_value(), reply.error().text);
    CHECK(reply->meaning == Meaning::Done);
    CHECK(rig.server.calls().size() == 2);
    CHECK(rig.has_line("clock differs"));
    CHECK(session->access()->clock_offset == off);
    rig.clock.advance(10h);
    CHECK(session->perform(get_request())->meaning == Meaning::Done);
    CHECK(rig.server.calls().size() == 3);
    CHECK(rig.lines.size() == 1);
    CHECK(rig.clock.wall() == start + 10h);
  }
}

TEST_CASE("expired credentials are fetched again, once") {
  S3Rig rig;
  rig.server.set("app/db/k", "x");
  rig.server.owner.token = "new";
  rig.set_variable("AWS_SESSION_TOKEN", "old");
  rig.server.fault = [&](const testing::S3Call&, int) -> std::optional<S3Fault> {
    rig.set_variable("AWS_SESSION_TOKEN", "new");  // whoever keeps them fresh has done so by now
    return std::nullopt;
  };
  const auto session = session_on(rig);
  CHECK(session->perform(get_request())->meaning == Meaning::Done);
  CHECK(rig.server.calls().size() == 2);

  rig.server.owner.token = "newer";
  const auto reply = session->perform(get_request());
  REQUIRE(reply.has_value());
  CHECK(reply->meaning == Meaning::CredentialsExpired);
  CHECK(rig.server.calls().size() == 4);
  CHECK(error_of(*reply, get_request(), rig.clock.wall()).code == Code::Denied);
}

TEST_CASE("a bucket in another region is found there, and the region is remembered") {
  S3Rig rig;
  rig.server.set("app/db/k", "x");
  rig.server.owner.region = "eu-central-1";
  const auto session = session_on(rig);
  CHECK(session->perform(get_request())->meaning == Meaning::Done);
  CHECK(session->perform(get_request())->meaning == Meaning::Done);
  CHECK(rig.server.calls().size() == 3);
  CHECK(session->target().region == "eu-central-1");
  CHECK(rig.has_line("region=eu-central-1"));
}

TEST_CASE("a redirect changes the region and never leads to the answer's address") {
  struct Row {
    const char* name;
    S3Fault fault;
    const char* region;  // in the end
  };
  const Row rows[] = {
      {"in the body", S3Fault::error(301, "PermanentRedirect", "<Region>eu-west-1</Region>"),
       "eu-west-1"},
      {"in a header",
       S3Fault::error(301, "PermanentRedirect", "", {{"x-amz-bucket-region", "eu-west-1"}}),
       "eu-west-1"},
      {"temporary, in a header",
       S3Fault::error(307, "TemporaryRedirect", "", {{"x-amz-bucket-region", "eu-west-1"}}),
       "eu-west-1"},
      {"nowhere", S3Fault::error(301, "PermanentRedirect"), "us-east-1"},
      {"the same", S3Fault::error(301, "PermanentRedirect", "<Region>us-east-1</Region>"),
       "us-east-1"},
      {"no region", S3Fault::error(301, "PermanentRedirect", "<Region>evil.example/x</Region>"),
       "us-east-1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    S3Rig rig;
    rig.server.set("app/db/k", "x");
    rig.server.owner.region = row.region;
    rig.fail_next(1, "GET", row.fault);
    const auto session = session_on(rig);
    const auto reply = session->perform(get_request());
    REQUIRE(reply.has_value());
    CHECK(session->target().region == row.region);
    CHECK(session->target().host == "127.0.0.1:9000");
    CHECK((reply->meaning == Meaning::Done) == (std::string(row.region) == "eu-west-1"));
    CHECK(rig.server.calls().size() <= 2);
  }
}

TEST_CASE("the host name for another region differs only in the region") {
  struct Row {
    const char *host, *from, *to, *expected;
  };
  const Row rows[] = {
      {"s3.us-east-1.amazonaws.com", "us-east-1", "eu-west-1", "s3.eu-west-1.amazonaws.com"},
      {"s3.amazonaws.com", "us-east-1", "eu-west-1", "s3.amazonaws.com"},
      {"minio.example:9000", "us-east-1", "eu-west-1", "minio.example:9000"},
      {"us-east-1-x.example", "us-east-1", "eu-west-1", "us-east-1-x.example"},
  };
  for (const Row& row : rows) {
    S3Location target;
    target.host = row.host;
    target.region = row.from;
    const S3Location moved = in_region(target, row.to);
    CHECK(moved.host == row.expected);
    CHECK(moved.region == row.to);
  }
}

TEST_CASE("each correction is made once per request, and several may be made for one") {
  S3Rig rig;
  rig.server.set("app/db/k", "x");
  const std::vector<S3Fault> faults = {
      S3Fault::error(403, "RequestTimeTooSkewed"), S3Fault::error(400, "ExpiredToken"),
      S3Fault::error(400, "AuthorizationHeaderMalformed", "<Region>us-west-2</Region>")};
  rig.server.owner.region = "us-west-2";
  rig.server.fault = [&](const testing::S3Call&, int number) -> std::optional<S3Fault> {
    if (number > 3) return std::nullopt;
    return faults[static_cast<std::size_t>(number - 1)];
  };
  const auto session = session_on(rig);
  CHECK(session->perform(get_request())->meaning == Meaning::Done);
  CHECK(rig.server.calls().size() == 4);

  rig.server.forget_calls();
  rig.server.fault = [&](const testing::S3Call&, int) { return faults[0]; };
  CHECK(session->perform(get_request())->meaning == Meaning::ClockSkew);
  CHECK(rig.server.calls().size() == 2);
}

TEST_CASE("an error with Retry-After keeps the store's delay") {
  S3Rig rig;
  rig.fail_next(1, "GET", S3Fault::error(503, "SlowDown", "", {{"retry-after", "7"}}));
  const auto session = session_on(rig);
  const auto reply = session->perform(get_request());
  REQUIRE(reply.has_value());
  const auto error = error_of(*reply, get_request(), rig.clock.wall());
  CHECK(error.code == Code::Unavailable);
  CHECK(error.retry_after == 7s);
}

TEST_CASE("a write with an unreadable answer may have happened") {
  // HTTP, but not of S3; and no HTTP at all.
  class NoHttp : public http::Transport {
    Result<http::Response> perform(const http::Request& /*request*/) override {
      return fail(Code::Corrupt, "no HTTP");
    }
  };
  S3Rig rig;
  const auto body = as_bytes("x");
  rig.transport = [] { return std::make_unique<NoHttp>(); };
  CHECK(session_on(rig)->perform(get_request()).error().code == Code::Corrupt);
  CHECK(session_on(rig)->perform(put_request(body)).error().code == Code::Unknown);

  S3Reply reply;
  reply.response.status = 299;
  reply.meaning = Meaning::Malformed;
  CHECK(error_of(reply, get_request(), rig.clock.wall()).code == Code::Unavailable);
  CHECK(error_of(reply, put_request(body), rig.clock.wall()).code == Code::Unknown);
}

TEST_CASE("without credentials nothing is sent, and the error says what to set") {
  S3Rig rig;
  rig.set_variable("AWS_ACCESS_KEY_ID", "");
  rig.set_variable("AWS_SECRET_ACCESS_KEY", "");
  rig.set_variable("AWS_EC2_METADATA_DISABLED", "true");
  rig.set_variable("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file");
  rig.set_variable("AWS_CONFIG_FILE", "/no/such/file");
  const auto session = session_on(rig);
  const auto reply = session->perform(get_request());
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error().code == Code::Invalid);
  CHECK(has(reply.error().text, "AWS_ACCESS_KEY_ID"));
  CHECK(rig.server.calls().empty());
}

TEST_CASE("a check finds out whether an object exists, also an empty one") {
  for (const bool ignores_ranges : {false, true}) {
    S3Rig rig;
    rig.server.ignores_ranges = ignores_ranges;
    rig.server.set("app/db/k", std::string(5'000, 'x'));
    rig.server.set("app/db/empty", "");
    const auto session = session_on(rig);
    CHECK(session->look("k")->meaning == Meaning::Done);
    CHECK(session->look("empty")->meaning == Meaning::Done);
    CHECK(session->look("none")->meaning == Meaning::NotThere);
    rig.fail_next(1, "GET", S3Fault::error(403, "AccessDenied"));
    CHECK(session->look("k")->meaning == Meaning::Denied);
    rig.fail_next(1, "GET", S3Fault::unreachable());
    CHECK(session->look("k").error().code == Code::Unavailable);
  }
}
