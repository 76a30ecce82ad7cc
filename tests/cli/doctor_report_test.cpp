#include "walwrap/cli/doctor_report.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::cli;

namespace {

// "level subject: says; type" of each, a line each.
std::string findings_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    const char* level = finding.level == FindingLevel::Ok     ? "ok"
                        : finding.level == FindingLevel::Note ? "note"
                                                              : "problem";
    text += fmt::format("{} {}: {}; {}\n", level, finding.subject, finding.message, finding.hint);
  }
  return text;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string database_header(std::uint16_t page_size, char version) {
  std::string header(100, '\0');
  header.replace(0, 16, std::string_view("SQLite format 3\0", 16));
  header[16] = static_cast<char>(page_size >> 8);
  header[17] = static_cast<char>(page_size & 0xff);
  header[18] = header[19] = version;
  return header;
}

DatabaseFinding database_of(std::string header) {
  return {.path = "/data/app.db", .error = {}, .header = std::move(header), .size = 8192};
}

}  // namespace

TEST_CASE("doctor reports only a database that is a mounted file or has two names") {
  CHECK(findings_of(NamesFinding{.path = "/a.db"}).empty());
  CHECK(findings_of(NamesFinding{.path = "/a.db", .names = 0}).empty());
  const auto wrong = findings_of(NamesFinding{.path = "/a.db", .names = 2, .is_mounted = true});
  REQUIRE(wrong.size() == 2);
  for (const Finding& finding : wrong) {
    CHECK(finding.level == FindingLevel::Problem);
    CHECK_FALSE(finding.hint.empty());
  }
}

TEST_CASE("doctor names the platform and its grace period, and how to correct them") {
  supervisor::Platform platform;
  platform.name = "fly";
  platform.grace = 5s;
  platform.source = "FLY_APP_NAME is set";
  CHECK(findings_text(findings_of(platform)) ==
        "ok platform: fly: 5s from the stop signal to SIGKILL (FLY_APP_NAME is set); \n");
  platform.name = "unknown";
  CHECK(has(findings_text(findings_of(platform)), "note platform"));
  CHECK(has(findings_text(findings_of(platform)), "--grace"));
  platform.name = "railway";
  platform.warnings = {{.message = "Railway kills at once", .hint = "set THIS=30"}};
  CHECK(has(findings_text(findings_of(platform)),
            "problem platform: Railway kills at once; set THIS=30"));
}

TEST_CASE("doctor says whether the disk outlives the container and whether SQLite works on it") {
  struct Row {
    const char* filesystem;
    Bytes free;
    const char* expected;
  };
  const Row rows[] = {{"ext4", 1ULL << 30, "ok disk: /data is on ext4"},
                      {"overlay", 1ULL << 30, "note disk: /data is on overlay, which is empty"},
                      {"tmpfs", 1ULL << 30, "note disk"},
                      {"nfs", 1ULL << 30, "problem disk: /data is on nfs, where SQLite's locks"},
                      {"9p", 1ULL << 30, "--db /var/lib/app/app.db"},
                      {"ext4", 1ULL << 20, "problem disk: only 1.0 MiB are free; free at least"},
                      {"", 0, "problem disk: directory /data does not exist; mkdir -p /data"}};
  for (const Row& row : rows) {
    CAPTURE(row.filesystem);
    CHECK(has(findings_text(findings_of(DiskFinding{
                  .directory = "/data", .filesystem = row.filesystem, .free = row.free})),
              row.expected));
  }
}

TEST_CASE("doctor reports a directory in which SQLite cannot create files") {
  const DiskFinding disk{.directory = "/data",
                         .filesystem = "ext4",
                         .free = {},
                         .error = Error{Code::Denied, "write to /data: Read-only file system"}};
  CHECK(has(findings_text(findings_of(disk)),
            "problem disk: write to /data: Read-only file system; "));
}

TEST_CASE("doctor reads a database's header and detects a file that is not a database") {
  CHECK(has(findings_text(findings_of(database_of(database_header(4096, 2)))),
            "ok database: /data/app.db: 8.0 KiB, pages of 4096 bytes, in WAL mode"));
  CHECK(
      has(findings_text(findings_of(database_of(database_header(1, 2)))), "pages of 65536 bytes"));
  const auto rollback = findings_text(findings_of(database_of(database_header(4096, 1))));
  CHECK(has(rollback, "rollback journal"));
  CHECK(has(rollback, "EXCLUSIVE"));
  CHECK(has(rollback, "sqlite3 /data/app.db 'PRAGMA journal_mode=DELETE'"));
  CHECK(has(findings_text(findings_of(database_of("SQLite"))), "problem database"));
  CHECK(has(findings_text(findings_of(database_of(std::string(100, 'x')))), "encrypted"));

  auto database = database_of("");
  database.size = 0;
  CHECK(has(findings_text(findings_of(database)), "note database: /data/app.db is empty"));
  database.error = Error{Code::NotFound, "open: No such file"};
  CHECK(has(findings_text(findings_of(database)), "note database: /data/app.db does not exist"));
  database.error = Error{Code::Denied, "open /data/app.db: Permission denied"};
  CHECK(has(findings_text(findings_of(database)), "Permission denied; run walwrap as the user"));

  database.error = Error{Code::Invalid, "/data/app.db is not a regular file"};
  CHECK(has(findings_text(findings_of(database)), "is not a regular file; check --db"));

  database = database_of(database_header(4096, 2));
  database.wal_size = 65ULL << 20;
  CHECK(has(findings_text(findings_of(database)), "note database: its -wal is 65.0 MiB"));
}

TEST_CASE("doctor says whether a directory can be a replica, and whether it outlives the disk") {
  PlaceFinding place{.directory = "/replica", .filesystem = "ext4"};
  CHECK(has(findings_text(findings_of(place)),
            "problem store: neither the directory /replica nor its parent exists"));
  place.parent_exists = true;
  CHECK(has(findings_text(findings_of(place)), "which walwrap creates at the start"));
  place.error = Error{Code::Denied, "write to /: Permission denied"};
  CHECK(has(findings_text(findings_of(place)),
            "problem store: directory /replica does not exist and cannot be created: write to /: "
            "Permission denied; run walwrap as"));
  place.error.reset();
  place.exists = true;
  CHECK(findings_text(findings_of(place)) == "ok store: directory /replica on ext4; \n");
  place.shares_disk = true;
  CHECK(has(findings_text(findings_of(place)), "note store"));
}

TEST_CASE("doctor names the store, the credentials in use and why the bucket refuses access") {
  BucketFinding bucket{.provider = "Tigris",
                       .host = "fly.storage.tigris.dev",
                       .address = "10.0.0.1:443",
                       .tls = "TLSv1.3",
                       .credentials = "environment",
                       .clock_offset = 0ms,
                       .error = {}};
  CHECK(findings_text(findings_of(bucket)) ==
        "ok credentials: from environment; \n"
        "ok store: Tigris at fly.storage.tigris.dev (10.0.0.1:443), TLSv1.3; \n"
        "ok clock: agrees with the store's clock; \n");
  bucket.is_http2 = true;
  CHECK(has(findings_text(findings_of(bucket)), "TLSv1.3, HTTP/2; "));
  bucket.tls.clear();
  CHECK(has(findings_text(findings_of(bucket)),
            "without TLS: anyone on the network path can read the data"));
  bucket.is_local = true;
  CHECK(has(findings_text(findings_of(bucket)), "ok store"));
  bucket.error = Error{Code::Denied, "GET bucket: not allowed"};
  CHECK(has(findings_text(findings_of(bucket)),
            "problem store: GET bucket: not allowed; allow the access key"));
  const BucketFinding nobody{.provider = "AWS S3",
                             .host = "s3.amazonaws.com",
                             .address = {},
                             .tls = {},
                             .credentials = {},
                             .clock_offset = {},
                             .error = Error{Code::Denied, "no credentials found"}};
  CHECK(findings_text(findings_of(nobody)) == "problem credentials: no credentials found; \n");
}

TEST_CASE("doctor notes a wrong clock, and reports one that the store will refuse") {
  struct Row {
    std::chrono::milliseconds offset;
    const char* expected;
  };
  const Row rows[] = {{4s, "ok clock"},
                      {60s, "note clock: is 1m behind the store's clock"},
                      {-60s, "note clock: is 1m ahead of the store's clock"},
                      {3600s, "problem clock: is 1h behind the store's clock; synchronise"}};
  for (const Row& row : rows) {
    BucketFinding bucket{.provider = "x",
                         .host = "x",
                         .address = "x",
                         .tls = "x",
                         .credentials = "x",
                         .clock_offset = row.offset,
                         .error = {}};
    CHECK(has(findings_text(findings_of(bucket)), row.expected));
  }
}

TEST_CASE("doctor prints one line per right, and warns about what the store does not support") {
  RightsFinding rights{.steps = {{"list", {}}, {"put", Error{Code::Denied, "PUT x: denied"}}},
                       .create_only = {}};
  CHECK(findings_text(findings_of(rights)) ==
        "ok list: allowed; \n"
        "problem put: PUT x: denied; allow the access key to list, get, put and delete objects "
        "below this prefix\n");
  rights = {.steps = {}, .create_only = true};
  CHECK(has(findings_text(findings_of(rights)), "ok create-only: supported"));
  rights.create_only = false;
  CHECK(has(findings_text(findings_of(rights)), "fencing=off"));
}

TEST_CASE("doctor estimates the bill of an app that never stops writing") {
  const auto aws = findings_text(findings_of(
      CostFinding{.provider = "AWS S3", .interval = 1s, .database_size = 10'000'000'000}));
  CHECK(has(aws, "13.18 USD a month for the 2592000 uploads"));
  CHECK(has(aws, "0.23 USD for the space"));
  CHECK(has(findings_text(findings_of(CostFinding{.provider = "AWS S3", .interval = 10s})),
            "1.32 USD"));
  CHECK(has(findings_text(findings_of(CostFinding{.provider = "S3-compatible"})), "no list price"));
}

TEST_CASE("doctor prints lines for people and one JSON document for programs") {
  const std::vector<Finding> findings = {
      {FindingLevel::Ok, "host", "fly", ""},
      {FindingLevel::Problem, "disk", "it says \"\xff\"", "mkdir -p /data"}};
  CHECK_FALSE(is_well(findings));
  CHECK(is_well({findings[0]}));
  CHECK(format_findings(findings) ==
        "ok       host         fly\n"
        "problem  disk         it says \"\xff\"; mkdir -p /data\n");
  const auto json = nlohmann::json::parse(format_findings_json(findings));
  CHECK(json["version"] == 1);
  CHECK(json["ok"] == false);
  CHECK(json["findings"][1]["level"] == "problem");
  CHECK(json["findings"][1]["hint"] == "mkdir -p /data");
}
