#include "walwrap/daemon/replicator_process.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/base/exit_code.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/os/poller.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/storage/stores/open.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::daemon;
using supervisor::AtFork;
using supervisor::Channel;
using supervisor::Order;
using supervisor::ReplicatorReport;
using supervisor::Report;

namespace {

// The replicator on a thread of this process, and the test in the place of init.
class Stage {
 public:
  Stage() : ends_(Channel::create_pair().value()) {}
  ~Stage() { close(); }

  void add(const std::string& database, const std::string& replica) {
    replication::ReplicatorOptions options;
    options.database = dir / database;
    options.location = storage::parse_location((dir / replica).string(), lookup_in({})).value();
    options.start_timeout = 100ms;
    options_.push_back(options);
  }
  void begin(AtFork at_fork) {
    channel_.emplace(std::move(ends_.init));
    thread_ = os::Thread(
        "replicator",
        [this, at_fork] {
          const Log log({.now = [this] { return clock.wall(); }, .sink = [](std::string_view) {}});
          const ApiOptions api{.socket = dir / "api.sock", .listen = {}, .platform = ""};
          exit_code_ = replicate(options_, api, std::move(ends_.replicator), at_fork, clock, log);
        },
        [](std::string_view) {});
  }
  void order(Order kind, MonoTime deadline = {}) {
    REQUIRE(channel_->send(supervisor::encode({kind, 1, deadline})).has_value());
  }
  // The next report of this kind; nullopt: the channel was closed, or ten seconds have passed.
  std::optional<ReplicatorReport> await(Report kind) {
    auto poller = os::Poller::create();
    REQUIRE(poller.has_value());
    REQUIRE(poller->add(channel_->descriptor(), 0).has_value());
    const auto deadline = clock.mono() + 10s;
    while (clock.mono() < deadline) {
      const auto received = channel_->receive();
      if (received.state == Channel::State::Closed) return std::nullopt;
      if (received.state == Channel::State::Empty) {
        REQUIRE(poller->wait(deadline).has_value());
        continue;
      }
      const auto report = supervisor::parse_report(received.packet);
      REQUIRE(report.has_value());
      if (report->kind == kind) return *report;
    }
    return std::nullopt;
  }
  int close() {
    channel_.reset();
    thread_.join();
    return exit_code_;
  }

  testing::TempDir dir;
  os::SystemClock clock;

 private:
  std::vector<replication::ReplicatorOptions> options_;
  Channel::Pair ends_;
  std::optional<Channel> channel_;
  int exit_code_ = -1;
  os::Thread thread_;
};

}  // namespace

TEST_CASE("a replicator reports Ready and what it stores, and drains on order") {
  Stage stage;
  stage.add("app.db", "replica");
  stage.begin(AtFork::AppNotStarted);
  REQUIRE(stage.await(Report::Ready).has_value());
  stage.order(Order::AppStarted);
  {
    testing::AppDb app(stage.dir / "app.db");
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    const auto position = stage.await(Report::Position);
    REQUIRE(position.has_value());
    app.run("INSERT INTO t VALUES(2)");
  }
  stage.order(Order::Stopping, stage.clock.mono() + 10s);
  stage.order(Order::AppGone);
  stage.order(Order::Flush, stage.clock.mono() + 5s);
  const auto drained = stage.await(Report::Drained);
  REQUIRE(drained.has_value());
  CAPTURE(drained->text);
  CHECK(drained->flush == FlushOutcome::Ok);
  CHECK(drained->txid >= Txid{1});
  CHECK(drained->lag_bytes == 0);
  CHECK(stage.close() == 0);
}

TEST_CASE("two databases drain together") {
  Stage stage;
  stage.add("a.db", "replica-a");
  stage.add("b.db", "replica-b");
  for (const char* name : {"a.db", "b.db"}) {
    testing::AppDb app(stage.dir / name);
    app.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  }
  stage.begin(AtFork::AppNotStarted);
  REQUIRE(stage.await(Report::Ready).has_value());
  stage.order(Order::AppStarted);
  stage.order(Order::Flush, stage.clock.mono() + 5s);
  const auto drained = stage.await(Report::Drained);
  REQUIRE(drained.has_value());
  CAPTURE(drained->text);
  CHECK(drained->flush == FlushOutcome::Ok);
  CHECK(stage.close() == 0);
}

TEST_CASE("a start that needs the user's decision is refused with a hint and exit code 125") {
  Stage stage;
  stage.add("app.db", "no-such-volume/replica");
  stage.begin(AtFork::AppNotStarted);
  const auto refused = stage.await(Report::Refused);
  REQUIRE(refused.has_value());
  CHECK(refused->exit_code == 125);
  CHECK(refused->text.find("app.db") != std::string::npos);
  CHECK(refused->text.find("no-such-volume/replica") != std::string::npos);
  CHECK(stage.close() == 125);
  CHECK_FALSE(std::filesystem::exists(stage.dir / "app.db"));
}

TEST_CASE("an aborted start ends the replicator at once and leaves no database") {
  Stage stage;
  stage.add("app.db", "replica");
  stage.begin(AtFork::AppNotStarted);
  REQUIRE(stage.await(Report::Ready).has_value());
  const auto begun = stage.clock.mono();
  CHECK(stage.close() == 0);
  CHECK(stage.clock.mono() - begun < 900ms);
  CHECK_FALSE(std::filesystem::exists(stage.dir / "app.db"));
}

TEST_CASE("beside a running app a refused database does not stop the others") {
  Stage stage;
  stage.add("good.db", "replica");
  stage.add("bad.db", "damaged");
  std::filesystem::create_directories(stage.dir / "damaged/ltx/0");
  std::ofstream(stage.dir / "damaged/ltx/0/0000000000000001-0000000000000001.ltx") << "no LTX file";
  for (const char* name : {"good.db", "bad.db"}) {
    testing::AppDb app(stage.dir / name);
    app.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  }
  stage.begin(AtFork::AppStarted);
  const auto ready = stage.await(Report::Ready);
  REQUIRE(ready.has_value());
  stage.order(Order::Flush, stage.clock.mono() + 3s);
  const auto drained = stage.await(Report::Drained);
  REQUIRE(drained.has_value());
  // What is missing of bad.db must be said, and good.db is stored.
  CAPTURE(drained->text);
  CHECK(drained->flush == FlushOutcome::Failed);
  CHECK(drained->text.find("bad.db") != std::string::npos);
  CHECK(drained->text.find("good.db") == std::string::npos);
  CHECK(stage.close() == 0);
}
