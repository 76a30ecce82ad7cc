#include "walwrap/replication/findings.hpp"

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

ReplicaLook replica_at(std::uint64_t txid, RandomId node, RandomId lineage = kLineage) {
  ReplicaLook look;
  look.finding = ReplicaFinding::Present;
  look.identity = Identity{lineage};
  look.extent = {Txid{txid}, Txid{txid}};
  look.newest.node = node;
  return look;
}

TEST_CASE("the local database is named by its state, the replica's newest file and its content") {
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
      {"both went on", state_at(5), 9, kStranger, kLineage, false, LocalFinding::Diverged},
      {"too far for a crash", state_at(5), 6 + kMostUnsavedUploads, kWriter, kLineage, true,
       LocalFinding::Behind},
      {"another lineage", state_at(5), 5, kWriter, kStranger, true, LocalFinding::Diverged},
      {"never stored, others did", state_at(0), 5, kStranger, kLineage, true,
       LocalFinding::Unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto found =
        classify_local(true, row.state, replica_at(row.newest, row.node, row.lineage),
                       [&] { return row.unchanged; });
    CHECK(found == row.expected);
  }
}

TEST_CASE("without a database file there is none, unless a state remembers a replica now empty") {
  ReplicaLook empty;
  empty.finding = ReplicaFinding::Empty;
  const auto never = [] { return false; };
  CHECK(classify_local(false, std::nullopt, empty, never) == LocalFinding::None);
  CHECK(classify_local(false, state_at(5), empty, never) == LocalFinding::Known);
  CHECK(classify_local(false, state_at(5), replica_at(5, kWriter), never) == LocalFinding::None);
}

TEST_CASE("a replica is empty, present, damaged or unreachable as it is found") {
  const testing::World world;
  const StoreFactory open = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    auto store = storage::FileStore::open(world.replica);
    if (!store) return fail(store.error());
    return std::unique_ptr<storage::ObjectStore>(*std::move(store));
  };
  CHECK(look_at_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Empty);
  world.live("CREATE TABLE t(a)");
  CHECK(look_at_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Present);
  std::filesystem::resize_file(world.replica / "ltx/0/0000000000000001-0000000000000001.ltx", 60);
  CHECK(look_at_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Damaged);
  std::filesystem::remove_all(world.replica);
  std::ofstream(world.replica) << "no directory";
  CHECK(look_at_replica(open, {}, KeyStyle::Directory).finding == ReplicaFinding::Unreachable);
}

TEST_CASE("what follows a known upload is seen without listing what came before it") {
  const testing::World world;
  world.live("CREATE TABLE t(a)");
  world.live("INSERT INTO t VALUES(1)");
  const auto third = world.live("INSERT INTO t VALUES(2)").txid;
  REQUIRE(third == Txid{3});
  const StoreFactory open = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    auto store = storage::FileStore::open(world.replica);
    if (!store) return fail(store.error());
    return std::unique_ptr<storage::ObjectStore>(*std::move(store));
  };
  const auto since = [&](std::uint64_t txid) {
    return look_since(Txid{txid}, open, {}, KeyStyle::Directory);
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
