#include "walwrap/replication/capture_loop.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::replication {
namespace {

CaptureLoop::Options options_for(const std::filesystem::path& database) {
  return {.database = database, .name = "app.db", .directory = StateDir::open(database).value()};
}

TEST_CASE("the capture loop offers the whole database first, and gives up at the deadline") {
  const testing::TempDir directory;
  testing::AppDb app(directory / "app.db");
  app.run("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(9000))");
  const auto mailboxes = Mailboxes::create().value();
  CaptureLoop loop(options_for(directory / "app.db"), *mailboxes, testing::kSystemClock,
                   testing::kNoLog);
  // Nobody takes the job: at the deadline the loop says what is missing, and ends.
  mailboxes->orders.set({.hurry = true,
                         .flush = testing::kSystemClock.mono() + std::chrono::milliseconds(300),
                         .quit = false});
  loop.run();
  const auto report = mailboxes->report.take();
  REQUIRE(report.has_value());
  CHECK(report->outcome == FlushOutcome::Partial);
  CHECK(report->lag_bytes > 0);
  auto job = mailboxes->job.take();
  REQUIRE(job.has_value());
  CHECK(job->pages == PageSet::range(Pgno{1}, Pgno{job->commit}));
  job->snapshot.give_back();
}

TEST_CASE("a flush without a database is done at once") {
  const testing::TempDir directory;
  const auto mailboxes = Mailboxes::create().value();
  CaptureLoop loop(options_for(directory / "app.db"), *mailboxes, testing::kSystemClock,
                   testing::kNoLog);
  mailboxes->orders.set({.hurry = true,
                         .flush = testing::kSystemClock.mono() + std::chrono::seconds(20),
                         .quit = false});
  loop.run();
  CHECK(mailboxes->report.take()->outcome == FlushOutcome::Nothing);
}

TEST_CASE("a database whose page size differs from the replica's is not replicated") {
  const testing::TempDir directory;
  testing::AppDb(directory / "app.db").run("PRAGMA page_size=1024; CREATE TABLE t(a)");
  const auto mailboxes = Mailboxes::create().value();
  auto options = options_for(directory / "app.db");
  options.page_size = PageSize{4096};
  CaptureLoop loop(std::move(options), *mailboxes, testing::kSystemClock, testing::kNoLog);
  mailboxes->orders.set({.hurry = true,
                         .flush = testing::kSystemClock.mono() + std::chrono::seconds(20),
                         .quit = false});
  loop.run();
  const auto report = mailboxes->report.take();
  CHECK(report->outcome == FlushOutcome::Failed);
  CHECK(report->missing.find("set --replica") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::replication
