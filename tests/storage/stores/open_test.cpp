#include "walwrap/storage/stores/open.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/temp_dir.hpp"

using namespace walwrap;
using namespace walwrap::storage;

namespace {

const LookupFn kNothing = [](std::string_view) { return std::optional<std::string>(); };

struct Rig {
  os::SystemClock clock;
  Log log{{.minimum = LogLevel::Info,
           .now = [] { return WallTime{}; },
           .sink = [](std::string_view) {}}};
  CallBudget budget;
  Surroundings surroundings() const {
    return {.clock = clock, .log = log, .budget = [this] { return budget; }};
  }
};

}  // namespace

TEST_CASE("a file URL or an absolute path names the replica's directory") {
  struct Row {
    std::string url, root;
  };
  const Row rows[] = {
      {"file:///backups/db", "/backups/db"},
      {"file:///backups/db/", "/backups/db"},
      {"FILE:///backups/my%20db", "/backups/my db"},
      {"/backups/db", "/backups/db"},
      {"/backups/db//", "/backups/db"},
      {"/100%/a?b#c", "/100%/a?b#c"},  // a path is taken as it is
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto location = parse_location(row.url, kNothing);
    REQUIRE_MESSAGE(location.has_value(), location.error().text);
    CHECK(location->kind == StoreKind::File);
    CHECK(location->root == row.root);
    CHECK(location->url == row.url);
  }
}

TEST_CASE("a malformed replica is refused with what to type") {
  struct Row {
    std::string url, says;
  };
  const Row rows[] = {
      {"", "file:///dir"},
      {"backups/db", "begins with '/'"},
      {"./db", "begins with '/'"},
      {"file:backups", "file:///dir"},
      {"file://backups/db", "file:///backups/db"},
      {"file://", "separate directory"},
      {"file:///", "separate directory"},
      {"/", "separate directory"},
      {"///", "separate directory"},
      {"file:///backups?region=eu", "%3F"},
      {"ftp://host/dir", "'ftp'"},
      {"file:///a%2", "%25"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto location = parse_location(row.url, kNothing);
    REQUIRE_FALSE(location.has_value());
    CHECK(location.error().code == Code::Invalid);
    CAPTURE(location.error().text);
    CHECK(location.error().text.find(row.says) != std::string::npos);
  }
}

TEST_CASE("an S3 URL names bucket, prefix and endpoint") {
  const LookupFn environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "AWS_REGION") return "eu-central-1";
    return std::nullopt;
  };
  const auto location = parse_location("s3://bucket/app/db", environment);
  REQUIRE_MESSAGE(location.has_value(), location.error().text);
  CHECK(location->kind == StoreKind::S3);
  CHECK(location->url == "s3://bucket/app/db");
  CHECK(location->s3.bucket == "bucket");
  CHECK(location->s3.prefix == "app/db");
  CHECK(location->s3.region == "eu-central-1");
  CHECK(location->environment("AWS_REGION") == "eu-central-1");

  const auto refused = parse_location("s3://bucket", environment);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Invalid);
}

TEST_CASE("the stores of one location share the credentials of a service") {
  const auto location = parse_location("s3://bucket/app", kNothing).value();
  const Location copy = location;
  REQUIRE(copy.credentials != nullptr);
  CHECK(copy.credentials == location.credentials);
  CHECK(parse_location("s3://bucket/app", kNothing)->credentials != location.credentials);
}

TEST_CASE("open_store opens the store that a location names") {
  const testing::TempDir dir;
  const Rig rig;
  const auto location = parse_location("file://" + (dir / "replica").string(), kNothing);
  REQUIRE(location.has_value());
  auto surroundings = rig.surroundings();
  CHECK(open_store(*location, surroundings).error().code == Code::Unavailable);
  surroundings.access = Access::Create;
  auto store = open_store(*location, surroundings);
  REQUIRE_MESSAGE(store.has_value(), store.error().text);
  CHECK((*store)->describe() == location->url);
  CHECK((*store)->list("", "")->empty());
  const auto retrying = with_retries(*std::move(store), rig.surroundings());
  CHECK(retrying->describe() == location->url);
  CHECK(retrying->list("", "")->empty());
}

TEST_CASE("an S3 store is opened without a request, with a limit of attempts or of time") {
  Rig rig;
  const LookupFn environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY") return "x";
    return std::nullopt;
  };
  // Nobody listens at port 1.
  const std::string url = "s3://bucket/app?endpoint=http://127.0.0.1:1";
  const auto location = parse_location(url, environment);
  REQUIRE(location.has_value());
  const auto once = open_store(*location, rig.surroundings());
  REQUIRE_MESSAGE(once.has_value(), once.error().text);
  CHECK((*once)->describe() == url);
  CHECK((*once)->list("", "").error().code == Code::Unavailable);

  auto another = open_store(*location, rig.surroundings());
  REQUIRE(another.has_value());
  const auto retrying = with_retries(*std::move(another), rig.surroundings());
  rig.budget.deadline = rig.clock.mono() - std::chrono::seconds(1);
  CHECK(retrying->list("", "").error().code == Code::Deadline);
  rig.budget.go_on = false;
  CHECK(retrying->list("", "").error().code == Code::Cancelled);
  CHECK((*once)->list("", "").error().code == Code::Cancelled);
}

TEST_CASE("an unreadable CA file is an error before any request") {
  Rig rig;
  auto location = parse_location("s3://bucket/app?endpoint=https://127.0.0.1:1", kNothing);
  REQUIRE(location.has_value());
  location->ca_file = "/no/such/file.pem";
  const auto store = open_store(*location, rig.surroundings());
  REQUIRE_FALSE(store.has_value());
  CHECK(store.error().code == Code::Invalid);
}
