#include "walwrap/replication/replica/compaction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "walwrap/replication/replica/plan.hpp"

namespace walwrap::replication {
namespace {

constexpr Compaction::Limits kLimits{.files = 3, .bytes = 1000, .most_files = 9};

StoredFile file(int level, std::uint64_t first, std::uint64_t last) {
  return {.level = Level{level}, .txids = {Txid{first}, Txid{last}}, .size = 1, .time = {}};
}

// What is merged at each upload, where every level is worth it: "1:2-4".
std::string merges_at(Compaction& levels, std::uint64_t txid, std::vector<StoredFile>& stored) {
  std::string text;
  const auto merge = [&](Level level) {
    REQUIRE(levels.is_worth(level, Txid{txid}, 1000));
    const auto first = levels.end_of(level).next();
    stored.push_back(file(level.value, first.value, txid));
    text += fmt::format("{}{}:{}-{}", text.empty() ? "" : " ", level, first.value, txid);
    levels.on_stored(level, Txid{txid});
  };
  if (!levels.has_begun()) {
    if (levels.is_due(Level{1}, Txid{txid})) merge(kSnapshotLevel);
    return text;
  }
  for (Level level{1}; level <= kHighestCompacted && levels.is_due(level, Txid{txid});
       ++level.value) {
    merge(level);
  }
  return text;
}

TEST_CASE("each third upload makes a level 1 file, and each third of these a level 2 file") {
  Compaction levels({}, kLimits);
  std::vector<StoredFile> stored{file(0, 1, 1)};
  std::map<std::uint64_t, std::string> merges;
  for (std::uint64_t txid = 2; txid <= 34; ++txid) {
    const auto text = merges_at(levels, txid, stored);
    if (!text.empty()) merges[txid] = text;
  }
  // All of it begins with a snapshot.
  CHECK(merges == std::map<std::uint64_t, std::string>{{4, "9:1-4"},
                                                       {7, "1:5-7"},
                                                       {10, "1:8-10"},
                                                       {13, "1:11-13 2:5-13"},
                                                       {16, "1:14-16"},
                                                       {19, "1:17-19"},
                                                       {22, "1:20-22 2:14-22"},
                                                       {25, "1:23-25"},
                                                       {28, "1:26-28"},
                                                       {31, "1:29-31 2:23-31 3:5-31"},
                                                       {34, "1:32-34"}});
}

TEST_CASE("after any number of uploads a restore reads only a few files of each level") {
  Compaction levels({}, kLimits);
  std::vector<StoredFile> stored{file(0, 1, 1)};
  for (std::uint64_t txid = 2; txid <= 1000; ++txid) {
    stored.push_back(file(0, txid, txid));
    merges_at(levels, txid, stored);
    const auto plan = plan_restore(stored, {}).value();
    REQUIRE(plan.reached == Txid{txid});
    const auto at = [&](int level) {
      return std::ranges::count_if(
          plan.files, [&](const StoredFile& part) { return part.level == Level{level}; });
    };
    REQUIRE(at(0) <= 3);
    REQUIRE(at(1) <= 2);
    REQUIRE(at(2) <= 2);
    // A writer that begins anew finds the same in what is stored.
    const Compaction found(stored, kLimits);
    for (Level level{1}; level <= kHighestCompacted; ++level.value) {
      REQUIRE(found.has_begun() == levels.has_begun());
      REQUIRE(found.end_of(level) == levels.end_of(level));
      REQUIRE(found.is_due(level, Txid{txid + 1}) == levels.is_due(level, Txid{txid + 1}));
    }
  }
}

TEST_CASE("a large compaction waits until there are many files below it") {
  Compaction levels({}, kLimits);
  CHECK(!levels.is_due(Level{1}, Txid{3}));
  CHECK(levels.is_due(Level{1}, Txid{4}));
  CHECK(levels.is_worth(Level{1}, Txid{4}, 1000));
  CHECK(!levels.is_worth(Level{1}, Txid{4}, 1001));
  CHECK(!levels.is_worth(Level{1}, Txid{9}, 1001));
  CHECK(levels.is_worth(Level{1}, Txid{10}, 1001));
  CHECK(!levels.is_worth(kSnapshotLevel, Txid{9}, 1001));
  CHECK(levels.is_worth(kSnapshotLevel, Txid{10}, 1001));
}

TEST_CASE("a failed compaction is not retried with each upload") {
  Compaction levels({}, kLimits);
  levels.postpone(Txid{4});
  CHECK(!levels.is_due(Level{1}, Txid{5}));
  CHECK(!levels.is_due(Level{1}, Txid{6}));
  CHECK(levels.is_due(Level{1}, Txid{7}));
}

TEST_CASE("compaction continues after a snapshot and after files of another writer") {
  Compaction levels(
      {file(9, 1, 20), file(1, 2, 10), file(1, 11, 24), file(1, 25, 26), file(4, 2, 5)}, kLimits);
  CHECK(levels.end_of(Level{1}) == Txid{26});
  CHECK(levels.end_of(Level{2}) == Txid{20});
  CHECK(levels.end_of(Level{3}) == Txid{20});
  CHECK(!levels.is_due(Level{2}, Txid{29}));
  levels.on_stored(Level{1}, Txid{29});
  CHECK(levels.is_due(Level{2}, Txid{29}));
  levels.on_stored(kSnapshotLevel, Txid{30});
  CHECK(levels.end_of(Level{3}) == Txid{30});
  CHECK(!levels.is_due(Level{1}, Txid{32}));
  CHECK(levels.is_due(Level{1}, Txid{33}));
  CHECK(!levels.is_due(Level{2}, Txid{33}));
}

}  // namespace
}  // namespace walwrap::replication
