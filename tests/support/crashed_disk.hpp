// A host that crashes: its disk as it was at some moment, put back for a later start.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/comes_true.hpp"
#include "tests/support/world.hpp"

namespace walwrap::testing {

// A disk that is copied as it is, and put back later.
inline void copy_disk(const World& world, const char* name) {
  std::filesystem::copy(world.host, world.directory / name,
                        std::filesystem::copy_options::recursive);
}
inline void put_disk_back(const World& world, const char* name) {
  std::filesystem::remove_all(world.host);
  std::filesystem::copy(world.directory / name, world.host,
                        std::filesystem::copy_options::recursive);
}

inline int count_set_aside(const World& world) {
  int aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.host)) {
    const auto path = entry.path().string();
    const bool is_database = path.find(".walwrap-replaced-") != std::string::npos &&
                             !path.ends_with("-wal") && !path.ends_with("-shm");
    aside += is_database ? 1 : 0;
  }
  return aside;
}

// Runs of one database whose rows are all stored when they are counted.
struct Run {
  const World& world;
  std::unique_ptr<replication::Replicator> replicator;
  std::optional<AppDb> app;

  explicit Run(const World& of) : world(of), replicator(world.prepare(world.options()).value()) {
    replicator->start().value();
    app.emplace(world.database);
    app->run("PRAGMA synchronous=NORMAL");
    REQUIRE(comes_true([&] { return replicator->status().txid > Txid{0}; }));
  }
  void store(int row) {
    const Txid before = replicator->status().txid;
    app->run(fmt::format("INSERT INTO t VALUES({})", row));
    REQUIRE(comes_true([&] {
      const auto status = replicator->status();
      return status.txid > before && status.lag_bytes == 0;
    }));
  }
  void end() {
    replicator->flush(kSystemClock.mono() + std::chrono::seconds(20));
    app.reset();
    replicator.reset();
  }
};

// Start, flush, and what an empty host gets afterwards.
inline std::string rows_after_a_start(const World& world) {
  const auto report = world.live("");
  if (report.outcome != FlushOutcome::Ok) return report.missing;
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  AppDb app(world.database);
  REQUIRE(app.text("PRAGMA integrity_check") == "ok");
  return app.text("SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY a)");
}

}  // namespace walwrap::testing
