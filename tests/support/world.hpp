// A host's disk, a replica in a directory, and a replicator between them, as one process would run
// them: real SQLite, real files, real threads.
#pragma once

#include <memory>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::testing {

inline const os::SystemClock kSystemClock;
inline const Log kNoLog({.minimum = LogLevel::Error,
                         .now = [] { return WallTime{}; },
                         .sink = [](std::string_view) {}});

struct World {
  TempDir directory;
  std::filesystem::path host = directory / "host";
  std::filesystem::path database = host / "app.db";
  std::filesystem::path replica = directory / "replica";

  World() : World(std::filesystem::temp_directory_path()) {}
  explicit World(const std::filesystem::path& in) : directory(in) {
    std::filesystem::create_directory(host);
  }

  replication::ReplicatorOptions options() const {
    replication::ReplicatorOptions options;
    options.database = database;
    options.location = {storage::StoreKind::File, replica.string(), "file://" + replica.string()};
    options.start_timeout = std::chrono::milliseconds(0);
    return options;
  }
  Result<std::unique_ptr<replication::Replicator>> prepare(
      const replication::ReplicatorOptions& options) const {
    return replication::Replicator::prepare(options, kSystemClock, kNoLog, [] { return false; });
  }
  // One life: start, the app's statements, flush.
  replication::FlushReport live(const std::string& sql) const {
    auto replicator = prepare(options());
    if (!replicator) return {.missing = replicator.error().text};
    if (!(*replicator)->start()) return {.missing = "start"};
    // In WAL mode from the start: the locks of an app in this process do not keep the rest of it
    // from a change of the journal mode.
    if (!sql.empty()) AppDb(database).run("PRAGMA journal_mode=WAL; " + sql);
    return (*replicator)->flush(kSystemClock.mono() + std::chrono::seconds(20));
  }
  void wipe() const {
    std::filesystem::remove_all(host);
    std::filesystem::create_directory(host);
  }
  std::unique_ptr<storage::FileStore> store() const {
    return storage::FileStore::open(replica, storage::Access::Create).value();
  }
};

}  // namespace walwrap::testing
