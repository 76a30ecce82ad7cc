#include "walwrap/control/dashboard.hpp"

#include <doctest/doctest.h>

#include "tests/support/text.hpp"

namespace walwrap::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::has;

const WallTime kNow = WallTime{} + seconds(1'000);

DatabaseStatus database() {
  DatabaseStatus database;
  database.path = "/data/<b>app&.db";
  database.replica = "s3://bucket/app?endpoint=http://h";
  database.replicated = true;
  database.status.attached = true;
  database.status.stored_at = kNow - seconds(3);
  database.progress.attached = true;
  return database;
}

std::string page_of(const DatabaseStatus& one) {
  Status status{.version = "1.2", .platform = "heroku", .grace = seconds(30)};
  status.databases.push_back(one);
  const History history;
  return answer_page({.status = status, .histories = {&history}, .now = kNow, .nonce = {7}}).body;
}

TEST_CASE("the dashboard gives the state in one sentence") {
  auto some = database();
  CHECK(sentence_of(some, kNow) == "Everything that was written is stored, the last write 3s ago.");
  some.progress.committed.commits = 2;
  some.status.lag_bytes = 8'192;
  some.health.lag = milliseconds(400);
  CHECK(sentence_of(some, kNow) ==
        "Not stored yet: 2 commits, 8.0 KiB, the oldest written 400ms ago.");
  some.status.error = "connection refused";
  CHECK(has(sentence_of(some, kNow), "The store does not answer; walwrap retries"));
  some.health = {.ok = false, .reason = "connection refused for 31 s", .lag = seconds(31)};
  CHECK(sentence_of(some, kNow) == "Writes are not stored: connection refused for 31 s");
  some.progress.halted = "another writer";
  CHECK(sentence_of(some, kNow) == "Nothing is stored: another writer");
  some.status.attached = false;
  some.progress.halted.clear();
  some.health = {};
  CHECK(sentence_of(some, kNow) == "The database does not exist yet; walwrap waits for it.");
  some.status.waits_since = MonoTime{};
  some.status.error = "it is locked";
  CHECK(sentence_of(some, kNow) ==
        "Nothing is stored until walwrap can attach to the database: it is locked");
  some.replicated = false;
  some.reason = "refused";
  CHECK(sentence_of(some, kNow) == "The database is not replicated: refused");
}

TEST_CASE("the dashboard shows any foreign text as plain text") {
  const auto page = page_of(database());
  CHECK(has(page, "<h2>/data/&lt;b&gt;app&amp;.db</h2>"));
  CHECK(!has(page, "<b>app"));
  CHECK(escape_html("<a href='\"&'>") == "&lt;a href=&#39;&quot;&amp;&#39;&gt;");
}

TEST_CASE("the dashboard loads nothing from other sites, and its style sheet has the nonce") {
  const auto page = page_of(database());
  CHECK(has(page, "<style nonce=\"0000000000000007\">"));
  for (const char* word : {"<script", " style=\"", "src=", "url(", "<link", "@import"}) {
    CHECK_MESSAGE(!has(page, word), word);
  }
}

TEST_CASE("each restore point shows its restore command, quoted for a shell") {
  auto some = database();
  CHECK(has(page_of(some), "being listed"));
  some.points_error = "denied <b>";
  CHECK(has(page_of(some), "could not be listed: denied &lt;b&gt;"));
  some.points_error.clear();
  some.points = replication::PointsFound{};
  CHECK(has(page_of(some), "Nothing can be restored yet"));
  some.points->some = {{Txid{9}, kNow - seconds(3), kUploadLevel}};
  some.points->spans = replication::spans_of(some.points->some);
  const auto page = page_of(some);
  CHECK(has(page, "id=\"d0-0000000000000009\""));
  CHECK(has(page,
            "walwrap restore --replica &#39;s3://bucket/app?endpoint=http://h&#39; --output "
            "restored.db --txid 0000000000000009"));
  CHECK(has(page, "One point in time."));
}

}  // namespace
}  // namespace walwrap::control
