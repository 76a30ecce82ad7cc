#include "walwrap/control/request_handler.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>

#include "tests/support/fake_store.hpp"
#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"
#include "tests/support/wal_builder.hpp"
#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::control {
namespace {

using replication::KeyStyle;
using replication::PointsLister;
using replication::SyncRequests;
using std::chrono::milliseconds;
using testing::has;

const Log kQuiet({.now = {}, .sink = {}});

// A desk with one database that a test plays, in a bucket of the test's.
struct Rig {
  milliseconds max_lag;
  replication::StoredUpTo stored = {};
  testing::TempDir directory;
  os::SystemClock clock;
  testing::FakeBucket bucket;
  std::unique_ptr<SyncRequests> sync_requests = SyncRequests::create().value();
  PointsLister points{
      {.open_store = [this](const auto&) -> Result<std::unique_ptr<storage::ObjectStore>> {
         return std::make_unique<testing::FakeStore>(bucket);
       },
       .style = KeyStyle::S3,
       .finished = &sync_requests->progressed()},
      clock};
  replication::Progress progress;
  std::map<std::uint64_t, Answer> answers;
  RequestHandler handler{
      {.version = "1",
       .max_lag = max_lag,
       .answer = [this](std::uint64_t id, Answer answer) { answers[id] = std::move(answer); }},
      clock,
      kQuiet};

  explicit Rig(milliseconds red_after = milliseconds(30'000)) : max_lag(red_after) {
    progress.attached = true;
    progress.looked = sync_requests->ask_look(SyncRequests::Pace::Usual);
    progress.committed = {{1}, {2}, 1};
    sync_requests->publish(progress);
    const auto descriptors = handler.follow({{.database = directory / "app.db",
                                              .replica = "s3://bucket/app",
                                              .sync_requests = sync_requests.get(),
                                              .points = &points,
                                              .status = [this] { return status(); }}});
    REQUIRE(descriptors.size() == 1);
  }
  replication::ReplicatorStatus status() const {
    replication::ReplicatorStatus status;
    status.stored = stored;
    return status;
  }
  std::optional<Answer> ask(const std::string& method, const std::string& path, std::uint64_t id,
                            std::map<std::string, std::string, std::less<>> query = {}) {
    Request request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    return handler.on_request(request, id);
  }
  // At once or later: a listing may be over before anybody looks.
  Answer answer_to(const std::string& path, std::uint64_t id) {
    answers.clear();
    if (auto at_once = ask("GET", path, id)) return *std::move(at_once);
    advance();
    REQUIRE(answers.contains(id));
    return answers[id];
  }
  // Until somebody is answered.
  void advance() {
    for (int i = 0; i < 500 && answers.empty(); ++i) {
      handler.advance();
      if (answers.empty()) os::pause_for(milliseconds(10));
    }
  }
};

TEST_CASE("a snapshot request is answered when the snapshot is stored") {
  Rig rig;
  CHECK(!rig.ask("POST", "/v1/snapshot", 7));
  CHECK(rig.handler.has_waits());
  const auto ticket = rig.sync_requests->requested().snapshot;
  CHECK(ticket > 0);
  rig.handler.advance();
  CHECK(rig.answers.empty());
  rig.progress.snapshot = {
      .ticket = ticket, .txid = Txid{5}, .bytes = 4'711, .stored_at = WallTime{}};
  rig.sync_requests->publish(rig.progress);
  rig.advance();
  REQUIRE(rig.answers.contains(7));
  CHECK(rig.answers[7].status == 200);
  CHECK(has(rig.answers[7].body, "\"stored\":true,\"txid\":\"0000000000000005\",\"bytes\":4711"));
  CHECK(!rig.handler.has_waits());
  CHECK(has(rig.ask("GET", "/v1/status", 8)->body, "\"snapshot\":{\"txid\":\"0000000000000005\""));
}

TEST_CASE("a snapshot request that failed is no success, and the answer gives the reason") {
  Rig rig;
  CHECK(!rig.ask("POST", "/v1/snapshot", 7));
  rig.progress.snapshot.ticket = rig.sync_requests->requested().snapshot;
  rig.progress.snapshot.error = "no room";
  rig.sync_requests->publish(rig.progress);
  rig.advance();
  CHECK(rig.answers[7].status == 503);
  CHECK(has(rig.answers[7].body, "no room"));
  CHECK(has(rig.ask("GET", "/v1/status", 8)->body, "\"snapshot\":null"));
}

TEST_CASE("restore points are listed on request and are in the status from then on") {
  Rig rig;
  rig.bucket.set(replication::file_key(KeyStyle::S3, kUploadLevel, {Txid{1}, Txid{1}}), {});
  CHECK(has(rig.ask("GET", "/v1/status", 1)->body, "\"restore\":null"));
  const auto listed = rig.answer_to("/v1/points", 2);
  CHECK(listed.status == 200);
  CHECK(has(listed.body, "\"points\":1,\"spans\":[{\"level\":0"));
  CHECK(has(rig.ask("GET", "/v1/status", 3)->body,
            "\"restore\":{\"first_txid\":\"0000000000000001\""));
}

TEST_CASE("a request that stops waiting gets a time-out while the listing continues") {
  Rig rig;
  std::atomic<bool> go_on = false;
  rig.bucket.on_call = [&](const testing::StoreCall&) {
    while (!go_on) os::pause_for(milliseconds(1));
  };
  CHECK(!rig.ask("GET", "/v1/points", 1, {{"timeout", "1ms"}}));
  rig.advance();
  CHECK(rig.answers[1].status == 504);
  go_on = true;
  CHECK(rig.answer_to("/v1/points", 2).status == 200);
}

TEST_CASE("a store that cannot be listed gives an error in this answer and the next ones") {
  Rig rig;
  rig.bucket.faults().fail_all(testing::StoreFault::error(Code::Denied));
  const auto first = rig.answer_to("/v1/points", 1);
  CHECK(first.status == 503);
  CHECK(has(first.body, "list the replica"));
  // At once, and from what is known: the store is left alone for a while.
  const auto again = rig.ask("GET", "/v1/points", 2);
  REQUIRE(again);
  CHECK(again->body == first.body);
}

TEST_CASE("the dashboard's policy allows nothing else, with a new nonce each time") {
  Rig rig;
  const auto first = rig.ask("GET", "/", 1);
  const auto second = rig.ask("GET", "/", 2);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->content_type == "text/html; charset=utf-8");
  const auto& policy = first->headers.at("Content-Security-Policy");
  CHECK(policy.starts_with("default-src 'none'; style-src 'nonce-"));
  CHECK(policy != second->headers.at("Content-Security-Policy"));
  CHECK(has(first->body, "The database does not exist yet; walwrap waits for it."));
}

TEST_CASE("a stop answers every waiting request of every kind") {
  Rig rig;
  CHECK(!rig.ask("POST", "/v1/snapshot", 1));
  CHECK(!rig.ask("POST", "/v1/wait", 2));
  rig.handler.end();
  CHECK(rig.answers[1].status == 503);
  CHECK(rig.answers[2].status == 503);
}

TEST_CASE("health fails when the WAL grows and the pipeline wrongly reports all as stored") {
  Rig rig(milliseconds(0));
  testing::WalBuilder wal(PageSize{512}, wal::WordOrder::Little);
  wal.frame(Pgno{1}, 1, 1);
  // As one that watches a file which is gone: whenever it is asked, nothing new is there.
  rig.stored = {.as_of = rig.clock.mono() + std::chrono::hours(1),
                .wal = wal::Position{wal.salts(), 1, wal.checksum()}};
  const auto look = [&](std::uint64_t id) {
    testing::write_text(rig.directory / "app.db-wal", as_text(wal.bytes()));
    os::pause_for(milliseconds(150));  // longer than what was seen serves for the next who asks
    rig.answer_to("/healthz", id);
    os::pause_for(milliseconds(150));
    return rig.answer_to("/healthz", id + 1);
  };
  CHECK(look(1).status == 200);
  wal.frame(Pgno{1}, 2, 1);
  const auto red = look(3);
  CHECK(red.status == 503);
  CHECK(has(red.body, "is not stored yet"));
}

}  // namespace
}  // namespace walwrap::control
