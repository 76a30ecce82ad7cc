#include "walwrap/replication/startup/inspection.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <vector>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

constexpr RandomId kLineage{1};
constexpr RandomId kWriter{2};
constexpr RandomId kStranger{3};

SavedState state_at(std::uint64_t txid) {
  SavedState state;
  state.lineage = kLineage;
  state.writer = kWriter;
  state.stored_by = kWriter;
  state.txid = Txid{txid};
  return state;
}

ReplicaInspection replica_at(std::uint64_t txid, RandomId node, RandomId lineage = kLineage) {
  ReplicaInspection look;
  look.finding = ReplicaFinding::Present;
  look.identity = Identity{lineage};
  look.extent = {Txid{txid}, Txid{txid}};
  look.newest.node = node;
  return look;
}

wal::Position at_frame(std::uint32_t frame) {
  return {.salts = {100, 7}, .frame = frame, .checksum = {frame, 1}};
}

WalCommits wal_until(std::uint32_t end) {
  WalCommits found;
  found.salts = wal::Salts{100, 7};
  for (std::uint32_t frame = 1; frame <= end; ++frame) found.commits.push_back({frame, {frame, 1}});
  return found;
}

LocalEvidence unchanged(bool is_unchanged) {
  LocalEvidence evidence;
  evidence.is_unchanged = [is_unchanged] { return is_unchanged; };
  evidence.pages = [](const auto&) { return std::optional(PagesFound{.are = PagesAre::Equal}); };
  return evidence;
}

TEST_CASE("the local database is identified by its state, the newest upload and its content") {
  struct Row {
    const char* what;
    std::optional<SavedState> state;
    std::uint64_t newest;
    RandomId node;
    RandomId lineage;
    bool unchanged;
    LocalFinding expected;
  };
  const std::vector<Row> rows = {
      {"no state", std::nullopt, 5, kWriter, kLineage, false, LocalFinding::Unknown},
      {"equal", state_at(5), 5, kWriter, kLineage, false, LocalFinding::Known},
      {"equal TXID, other writer", state_at(5), 5, kStranger, kLineage, true,
       LocalFinding::Diverged},
      {"crashed before the state was saved", state_at(5), 9, kWriter, kLineage, false,
       LocalFinding::Known},
      {"first upload, then a crash", state_at(0), 1, kWriter, kLineage, false, LocalFinding::Known},
      {"others went on, we did not", state_at(5), 9, kStranger, kLineage, true,
       LocalFinding::Behind},
      {"others went on, and the database is not what it was", state_at(5), 9, kStranger, kLineage,
       false, LocalFinding::Unknown},
      {"too far for a crash", state_at(5), 6 + kMostUnsavedUploads, kWriter, kLineage, true,
       LocalFinding::Behind},
      {"another lineage", state_at(5), 5, kWriter, kStranger, true, LocalFinding::Diverged},
      {"never stored, others did", state_at(0), 5, kStranger, kLineage, true,
       LocalFinding::Unknown},
      {"the replica lost what was stored last", state_at(5), 4, kWriter, kLineage, false,
       LocalFinding::Known},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto found = classify_local(
        true, row.state, replica_at(row.newest, row.node, row.lineage), unchanged(row.unchanged));
    CHECK(found == row.expected);
  }
}

TEST_CASE("a database without a WAL is behind if a page is older, unless it was one file by then") {
  auto evidence = unchanged(false);
  evidence.pages = [](const auto&) { return std::optional(PagesFound{.are = PagesAre::Older}); };
  struct Row {
    std::uint64_t settled_at;
    std::uint32_t wal_end;
    LocalFinding expected;
  };
  for (const Row& row : {Row{0, 0, LocalFinding::Behind}, Row{4, 0, LocalFinding::Behind},
                         Row{5, 0, LocalFinding::Known}, Row{5, 3, LocalFinding::Behind}}) {
    CAPTURE(row.settled_at);
    CAPTURE(row.wal_end);
    evidence.settled_at = Txid{row.settled_at};
    evidence.wal = wal_until(row.wal_end);
    CHECK(classify_local(true, state_at(5), replica_at(5, kWriter, kLineage), evidence) ==
          row.expected);
  }
}

TEST_CASE("a start finds its own TXID in the WAL, or the local database is behind") {
  struct Row {
    const char* what;
    std::uint32_t local_end;     // of the WAL
    std::uint32_t saved_frame;   // of the position in the state, which is of TXID 5
    std::uint64_t newest;        // in the replica
    std::uint32_t stored_frame;  // that it covers
    LocalFinding expected;
  };
  const Row rows[] = {
      {"all of it is there", 9, 9, 5, 9, LocalFinding::Known},
      {"ahead", 12, 9, 5, 9, LocalFinding::Known},
      {"cut before the saved position", 8, 9, 5, 9, LocalFinding::Behind},
      {"cut between what is stored and an equal comparison", 8, 9, 5, 8, LocalFinding::Known},
      {"uploads since the state, all there", 20, 9, 7, 15, LocalFinding::Known},
      {"cut at the saved position", 9, 9, 7, 15, LocalFinding::Behind},
      {"cut between it and the newest upload", 14, 9, 7, 15, LocalFinding::Behind},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    auto state = state_at(5);
    state.wal = at_frame(row.saved_frame);
    auto replica = replica_at(row.newest, kWriter);
    replica.newest.reserved = format_position(at_frame(row.stored_frame));
    LocalEvidence evidence;
    evidence.wal = wal_until(row.local_end);
    for (const bool clean : {false, true}) {
      state.clean = clean;
      CHECK(classify_local(true, state, replica, evidence) == row.expected);
    }
  }
}

TEST_CASE("a WAL that continues an earlier frame with other commits has diverged") {
  auto replica = replica_at(5, kWriter);
  replica.newest.reserved = format_position(at_frame(9));
  LocalEvidence evidence;
  evidence.wal = wal_until(12);
  evidence.wal.commits[8].checksum = {77, 77};
  CHECK(classify_local(true, state_at(5), replica, evidence) == LocalFinding::Diverged);
}

TEST_CASE("without a WAL the pages decide, unless the file is known to have held everything") {
  struct Row {
    const char* what;
    bool clean;
    std::uint64_t newest;
    PagesFound pages;
    int written;  // before (-1) or after (1) the newest upload
    LocalFinding expected;
  };
  const Row rows[] = {
      {"an edit after a clean stop", true, 5, {PagesAre::Older}, 1, LocalFinding::Known},
      {"uploads after a clean stop, which are lost here",
       true,
       6,
       {PagesAre::Older},
       1,
       LocalFinding::Behind},
      {"nothing differs", false, 5, {PagesAre::Equal}, -1, LocalFinding::Known},
      {"only what was stored earlier", false, 5, {PagesAre::Older}, 1, LocalFinding::Behind},
      {"some of it", false, 7, {PagesAre::Mixed, true}, 1, LocalFinding::Behind},
      {"an edit, after a checkpoint of all",
       false,
       5,
       {PagesAre::New, true},
       -1,
       LocalFinding::Known},
      {"an edit of each page of the newest upload",
       false,
       5,
       {PagesAre::New},
       1,
       LocalFinding::Known},
      {"between two uploads, and not written to since",
       false,
       5,
       {PagesAre::New},
       -1,
       LocalFinding::Behind},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    auto state = state_at(5);
    state.clean = row.clean;
    state.wal = at_frame(9);
    auto replica = replica_at(row.newest, kWriter);
    replica.newest.timestamp = WallTime(std::chrono::milliseconds(1000));
    LocalEvidence evidence;
    evidence.pages = [&](const auto&) { return std::optional(row.pages); };
    evidence.written = replica.newest.timestamp + std::chrono::milliseconds(row.written);
    CHECK(classify_local(true, state, replica, evidence) == row.expected);
  }
}

TEST_CASE("a WAL that ends before the stored position is detected without the replica") {
  ReplicaInspection away;
  auto state = state_at(5);
  state.wal = at_frame(9);
  LocalEvidence evidence;
  for (const auto& [end, expected] : {std::pair{9U, LocalFinding::Known},
                                      {8U, LocalFinding::Behind},
                                      {0U, LocalFinding::Behind}}) {
    evidence.wal = wal_until(end);
    CHECK(classify_local(true, state, away, evidence) == expected);
  }
  evidence.wal = {};
  CHECK(classify_local(true, state, away, evidence) == LocalFinding::Known);
}

TEST_CASE("without a file there is no database, unless a state names a replica now empty") {
  ReplicaInspection empty;
  empty.finding = ReplicaFinding::Empty;
  CHECK(classify_local(false, std::nullopt, empty, {}) == LocalFinding::None);
  CHECK(classify_local(false, state_at(5), empty, {}) == LocalFinding::Known);
  CHECK(classify_local(false, state_at(5), replica_at(5, kWriter), {}) == LocalFinding::None);
}

TEST_CASE("a replica is found as empty, present, damaged or unreachable") {
  const testing::World world;
  const StoreFactory open = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    auto store = storage::FileStore::open(world.replica, storage::Access::Create);
    if (!store) return fail(store.error());
    return std::unique_ptr<storage::ObjectStore>(*std::move(store));
  };
  CHECK(inspect_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Empty);
  world.live("CREATE TABLE t(a)");
  CHECK(inspect_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Present);
  std::filesystem::resize_file(world.replica / "ltx/0/0000000000000001-0000000000000001.ltx", 60);
  CHECK(inspect_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Damaged);
  std::filesystem::remove_all(world.replica);
  std::ofstream(world.replica) << "no directory";
  CHECK(inspect_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Unreachable);
}

TEST_CASE("uploads after a known one are listed without the earlier ones") {
  const testing::World world;
  world.live("CREATE TABLE t(a)");
  world.live("INSERT INTO t VALUES(1)");
  const auto third = world.live("INSERT INTO t VALUES(2)").txid;
  REQUIRE(third == Txid{3});
  const StoreFactory open = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    auto store = storage::FileStore::open(world.replica, storage::Access::Create);
    if (!store) return fail(store.error());
    return std::unique_ptr<storage::ObjectStore>(*std::move(store));
  };
  const auto since = [&](std::uint64_t txid) {
    return inspect_since(Txid{txid}, open, {}, KeyStyle::Directory);
  };
  CHECK(since(3).finding == ReplicaFinding::Present);
  CHECK_FALSE(since(3).is_whole);
  CHECK(since(3).files.size() == 1);
  CHECK(since(2).files.size() == 2);
  CHECK(since(2).extent.newest == Txid{3});
  CHECK(since(2).newest.txids.last == Txid{3});
  CHECK(since(4).finding == ReplicaFinding::Damaged);  // which is looked at as a whole then
  std::filesystem::remove(world.replica / "ltx/0/0000000000000002-0000000000000002.ltx");
  CHECK(since(1).finding == ReplicaFinding::Damaged);
  CHECK(since(2).finding == ReplicaFinding::Damaged);
  CHECK(since(3).finding == ReplicaFinding::Present);
}

}  // namespace
}  // namespace walwrap::replication
