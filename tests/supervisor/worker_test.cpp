#include "walwrap/supervisor/worker.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Condition = Worker::Condition;

constexpr MonoTime kStart{100s};

TEST_CASE("a replicator that keeps crashing is restarted more and more slowly, up to 10 s") {
  Worker worker;
  MonoTime now = kStart;
  std::vector<milliseconds> delays;
  for (int i = 0; i < 9; ++i) {
    worker.on_spawn();
    worker.on_ready(now);
    const auto death = worker.on_death(WorkerStage::Running, now);
    delays.push_back(death.restart_in);
    now += death.restart_in;
    CHECK(worker.restart_at == now);
  }
  CHECK(delays == std::vector<milliseconds>{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms,
                                            10000ms, 10000ms});
}

TEST_CASE("a replicator that worked for half a second is restarted at once") {
  Worker worker;
  for (int i = 0; i < 5; ++i) {
    worker.on_spawn();
    worker.on_ready(kStart);
    CHECK(worker.on_death(WorkerStage::Running, kStart + 500ms).restart_in == 100ms);
  }
  worker.on_spawn();
  worker.on_ready(kStart);
  worker.on_closed(WorkerStage::Running, kStart + 499ms);
  CHECK(worker.on_death(WorkerStage::Running, kStart + 499ms).restart_in == 200ms);
  worker.on_spawn();
  CHECK(worker.on_death(WorkerStage::Running, kStart + 10s).restart_in == 400ms);
}

TEST_CASE("crashes no longer count after a replicator was ready for ten seconds") {
  Worker worker;
  worker.on_spawn();
  worker.on_death(WorkerStage::Running, kStart);
  worker.on_spawn();
  worker.on_death(WorkerStage::Running, kStart);
  worker.on_spawn();
  worker.on_ready(kStart);
  CHECK(worker.deadline() == kStart + 10s);
  CHECK(worker.on_time(kStart + 9'999ms).steady_after_deaths == 0);
  CHECK(worker.on_time(kStart + 10s).steady_after_deaths == 2);
  CHECK_FALSE(worker.deadline().has_value());
  CHECK(worker.on_death(WorkerStage::Running, kStart + 20s).restart_in == 100ms);
}

TEST_CASE("a replicator that never crashed has no timer") {
  Worker worker;
  worker.on_spawn();
  worker.on_ready(kStart);
  CHECK_FALSE(worker.deadline().has_value());
}

TEST_CASE("during a stop the first restart is immediate, and later ones wait half a second") {
  Worker worker;
  for (int i = 0; i < 8; ++i) worker.on_death(WorkerStage::Running, kStart);
  worker.on_spawn();
  CHECK(worker.on_death(WorkerStage::Stopping, kStart).restart_in == 0ms);
  CHECK_FALSE(worker.restart_at.has_value());
  worker.on_spawn();
  CHECK(worker.on_death(WorkerStage::Stopping, kStart).restart_in == 500ms);
  CHECK(worker.restart_at == kStart + 500ms);
}

TEST_CASE("a replicator that closed its channel and does not exit is killed") {
  Worker worker;
  worker.on_spawn();
  worker.on_closed(WorkerStage::Running, kStart);
  CHECK(worker.condition == Condition::Closing);
  CHECK_FALSE(worker.on_time(kStart + 1'999ms).hangs);
  CHECK(worker.on_time(kStart + 2s).hangs);
  CHECK(worker.deadline() == kStart + 4s);
  worker.on_death(WorkerStage::Running, kStart + 2s);
  CHECK(worker.condition == Condition::Down);
}

TEST_CASE("a refusal beside a running app is repeated after the longest delay") {
  Worker worker;
  worker.on_spawn();
  worker.on_refused(WorkerStage::Running, kStart);
  CHECK(worker.on_death(WorkerStage::Running, kStart).restart_in == 10s);
}

TEST_CASE("a refusal during a stop is final") {
  Worker worker;
  worker.on_spawn();
  worker.on_refused(WorkerStage::Stopping, kStart);
  worker.on_death(WorkerStage::Stopping, kStart);
  CHECK(worker.condition == Condition::GaveUp);
  CHECK_FALSE(worker.is_alive);
  CHECK_FALSE(worker.deadline().has_value());
}

TEST_CASE("repeated crashes are logged once, then every thirty seconds") {
  Worker worker;
  CHECK(worker.on_death(WorkerStage::Running, kStart).is_told);
  CHECK_FALSE(worker.on_death(WorkerStage::Running, kStart + 1s).is_told);
  CHECK(worker.on_death(WorkerStage::Running, kStart + 31s).is_told);
}

}  // namespace
}  // namespace walwrap::supervisor
