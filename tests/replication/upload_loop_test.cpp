#include "walwrap/replication/upload_loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/chain.hpp"
#include "tests/support/comes_true.hpp"
#include "tests/support/fake_store.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;

// What another thread says.
struct LoopLines {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::function<void()> on_line;  // on that thread
  Log log{{.now = [] { return testing::kSystemClock.wall(); },
           .sink =
               [this](std::string_view line) {
                 const std::lock_guard lock(mutex);
                 lines.emplace_back(line);
                 if (on_line) on_line();
               }}};
  auto count(std::string_view part) {
    const std::lock_guard lock(mutex);
    return std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
};

// A chain whose uploads run in a thread, as the replicator has it.
struct LoopRig {
  testing::FakeBucket bucket;
  Chain chain{std::make_unique<testing::FakeStore>(bucket)};
  LoopLines said;
  std::unique_ptr<Mailboxes> mailboxes = Mailboxes::create().value();
  UploadLoop loop{*chain.uploader, chain.world.database, *mailboxes, testing::kSystemClock,
                  said.log};
  os::Thread thread;

  LoopRig() {
    chain.home = [this] { return mailboxes->snapshot_home(); };
  }
  ~LoopRig() { end(); }
  void start() {
    thread = os::Thread(
        "upload", [this] { loop.run(); }, [](std::string_view) {});
  }
  void end() {
    mailboxes->orders.update([](Orders& orders) { orders.quit = true; });
    mailboxes->upload_wakeup.notify();
    thread.join();
  }
  UploadDone answer_to(UploadJob job) {
    REQUIRE(mailboxes->job.offer(std::move(job)));
    mailboxes->upload_wakeup.notify();
    std::optional<UploadDone> done;
    REQUIRE(testing::comes_true([&] { return (done = mailboxes->done.take()).has_value(); }));
    REQUIRE(testing::comes_true([&] {
      if (auto back = mailboxes->snapshot.take()) chain.snapshot = *std::move(back);
      return chain.snapshot != nullptr;
    }));
    return *std::move(done);
  }
};

TEST_CASE("a failed batch is logged once, returned, and uploaded with the next one") {
  LoopRig rig;
  rig.start();
  CHECK(rig.answer_to(rig.chain.job()).is_stored());
  rig.chain.app.run("INSERT INTO t VALUES(2)");
  for (int i = 0; i < 2; ++i) {
    rig.bucket.faults().fail_next(1, testing::StoreFault::error(Code::Denied));
    const auto failed = rig.answer_to(rig.chain.job());
    CHECK_FALSE(failed.is_stored());
    CHECK_FALSE(failed.to_store.empty());
    rig.chain.capture->add_pending(failed.to_store);
  }
  CHECK(rig.said.count("upload failed, will be tried again") == 1);
  const auto done = rig.answer_to(rig.chain.job());
  CHECK(done.is_stored());
  CHECK(done.txid == Txid{2});
  CHECK(rig.mailboxes->outage.get().empty());
}

TEST_CASE("the status gives the reason while a failed batch waits for its next try") {
  LoopRig rig;
  std::string outage;
  rig.said.on_line = [&] { outage = rig.mailboxes->outage.get(); };
  rig.start();
  rig.bucket.faults().fail_all(testing::StoreFault::error(Code::Denied));
  CHECK_FALSE(rig.answer_to(rig.chain.job()).is_stored());
  CHECK(rig.mailboxes->outage.get().empty());
  rig.end();
  CHECK(outage.find("injected fault") != std::string::npos);
}

TEST_CASE("a quit order ends the loop after the job in progress") {
  LoopRig rig;
  REQUIRE(rig.mailboxes->job.offer(rig.chain.job()));
  rig.mailboxes->orders.set({.hurry = false, .flush = std::nullopt, .quit = true});
  rig.loop.run();
  CHECK(rig.mailboxes->done.take()->is_stored());
  CHECK(rig.mailboxes->snapshot.take().has_value());
}

}  // namespace
}  // namespace walwrap::replication
