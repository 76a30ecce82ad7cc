#include "walwrap/replication/replica/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "tests/support/stored_files.hpp"
#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::replication;
using testing::at_second;
using testing::has;
using testing::stored_files;

namespace {

std::string show(const std::vector<StoredFile>& chain) {
  std::string text;
  for (const StoredFile& file : chain) {
    text += fmt::format("{}L{}:{}-{}", text.empty() ? "" : " ", file.level, file.txids.first.value,
                        file.txids.last.value);
  }
  return text;
}

RestoreTarget latest() {
  return {};
}
RestoreTarget txid(std::uint64_t value) {
  return {.txid = Txid{value}, .before = std::nullopt};
}
RestoreTarget before(std::int64_t seconds) {
  return {.txid = std::nullopt, .before = at_second(seconds)};
}

}  // namespace

TEST_CASE("a restore takes the newest snapshot, then the files that reach furthest") {
  struct Row {
    std::string reason, stored;
    RestoreTarget target;
    std::string chain;
  };
  const Row rows[] = {
      {"one image", "L0:1-1", latest(), "L0:1-1"},
      {"no snapshot yet", "L0:1-1 L0:2-2 L0:3-3", latest(), "L0:1-1 L0:2-2 L0:3-3"},
      {"a compacted file replaces its sources", "L1:1-9 L0:1-1 L0:2-2 L0:9-9 L0:10-10", latest(),
       "L1:1-9 L0:10-10"},
      {"the newest of several snapshots", "L9:1-10 L9:1-40 L9:1-25 L0:41-41", latest(),
       "L9:1-40 L0:41-41"},
      {"a snapshot alone", "L9:1-40 L1:1-20 L0:39-39 L0:40-40", latest(), "L9:1-40"},
      {"levels in turn", "L9:1-40 L3:41-60 L2:61-70 L1:71-75 L0:76-76 L0:77-77", latest(),
       "L9:1-40 L3:41-60 L2:61-70 L1:71-75 L0:76-76 L0:77-77"},
      {"a file may begin before the end of the chain", "L9:1-40 L1:31-60 L0:61-61", latest(),
       "L9:1-40 L1:31-60 L0:61-61"},
      {"the furthest wins whatever its level", "L9:1-4 L3:5-8 L0:5-5 L1:5-9", latest(),
       "L9:1-4 L1:5-9"},
      {"among equals the one that starts lower", "L9:1-4 L1:5-9 L2:3-9", latest(), "L9:1-4 L2:3-9"},
      {"then the higher level", "L9:1-4 L1:5-9 L2:5-9 L0:5-9", latest(), "L9:1-4 L2:5-9"},
      {"the order of the listing does not matter", "L0:3-3 L1:1-2 L0:4-4 L0:2-2", latest(),
       "L1:1-2 L0:3-3 L0:4-4"},
      {"a compacted file from 1 serves as a start", "L3:1-30 L0:31-31", latest(),
       "L3:1-30 L0:31-31"},
      {"an older level 0 left from before a snapshot", "L9:1-40 L0:12-12 L0:13-13 L0:41-41",
       latest(), "L9:1-40 L0:41-41"},

      {"an exact TXID", "L9:1-40 L0:41-41 L0:42-42 L0:43-43", txid(42),
       "L9:1-40 L0:41-41 L0:42-42"},
      {"an older snapshot for an older TXID", "L9:1-10 L9:1-40 L0:11-11 L0:41-41", txid(11),
       "L9:1-10 L0:11-11"},
      {"a compacted file that reaches too far is not used", "L9:1-4 L1:5-9 L0:5-5 L0:6-6 L0:7-7",
       txid(6), "L9:1-4 L0:5-5 L0:6-6"},
      {"a gap behind the target is of no matter", "L9:1-40 L0:41-41 L0:50-50", txid(41),
       "L9:1-40 L0:41-41"},

      {"a time takes what was stored strictly before", "L0:1-1@10 L0:2-2@20 L0:3-3@30", before(30),
       "L0:1-1 L0:2-2"},
      {"a time after everything is the latest", "L0:1-1@10 L0:2-2@20", before(99), "L0:1-1 L0:2-2"},
      {"a time before a compacted file ended is the state before it",
       "L9:1-40@40 L1:41-60@60 L0:58-58@58 L0:59-59@59 L0:60-60@60", before(60), "L9:1-40"},
      {"a clock that was set back hides no file that is there", "L0:1-1@10 L0:2-2@50 L0:3-3@30",
       before(40), "L0:1-1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.reason);
    const auto plan = plan_restore(stored_files(row.stored), row.target);
    REQUIRE_MESSAGE(plan.has_value(), plan.error().text);
    CHECK(show(plan->files) == row.chain);
    CHECK(plan->reached == plan->files.back().txids.last);
    CHECK(plan->bytes == 100 * plan->files.size());
  }
}

TEST_CASE("a restore takes the older of two copies of one range") {
  const auto plan = plan_restore(stored_files("L0:1-1@20 L0:1-1@10"), latest());
  REQUIRE(plan.has_value());
  REQUIRE(plan->files.size() == 1);
  CHECK(plan->files[0].time == at_second(10));
}

TEST_CASE("a restore plan refuses a gap in the chain") {
  struct Row {
    std::string stored;
    RestoreTarget target;
    std::vector<std::string> says;  // both sides of the gap, and what to type
  };
  const std::string hex = "00000000000000";
  const Row rows[] = {
      {"L9:1-40 L1:41-60 L0:63-63",
       latest(),
       {"reach TXID " + hex + "3c", hex + "3f-" + hex + "3f.ltx", hex + "3d to " + hex + "3e",
        "--txid " + hex + "3c"}},
      {"L0:1-1 L0:2-2 L0:4-4", latest(), {hex + "02", hex + "04-", "--txid " + hex + "02"}},
      {"L0:2-2 L0:3-3", latest(), {"no file begins at TXID 1", hex + "02-", "put the missing"}},
      {"L9:1-40 L0:41-41 L1:50-60 L0:80-80", latest(), {hex + "29", hex + "32-" + hex + "3c"}},
      {"L0:1-1 L0:2-2 L0:4-4", txid(4), {hex + "03 to " + hex + "03", "--txid " + hex + "02"}},
      {"L0:1-1@10 L0:3-3@30", before(40), {hex + "01", hex + "03-"}},
      {"L0:5-5@10", before(40), {"no file begins at TXID 1"}},
      {"L9:5-40", latest(), {"must begin at TXID 1"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.stored);
    const auto plan = plan_restore(stored_files(row.stored), row.target);
    REQUIRE_FALSE(plan.has_value());
    CAPTURE(plan.error().text);
    CHECK(plan.error().code == Code::Corrupt);
    for (const std::string& part : row.says) {
      CAPTURE(part);
      CHECK(has(plan.error().text, part));
    }
  }
}

TEST_CASE("a TXID that cannot be restored exactly is refused with the nearest ones that can") {
  struct Row {
    std::string stored;
    std::uint64_t wanted;
    std::vector<std::string> says;
  };
  const std::string hex = "--txid 00000000000000";
  const Row rows[] = {
      {"L9:1-40 L1:41-60 L0:61-61", 50, {hex + "28 and 000000000000003c"}},
      {"L9:1-40 L1:41-60 L0:61-61", 62, {"the newest is " + hex + "3d"}},
      {"L9:1-40 L1:41-60 L0:61-61", 39, {"the oldest is " + hex + "28"}},
      {"L9:1-40 L1:41-60 L0:61-61", 0, {"the oldest is " + hex + "28"}},
      // 58 is stored, but what leads to it is now part of 41-60.
      {"L9:1-40 L1:41-60 L0:58-58 L0:59-59 L0:60-60", 58, {hex + "28 and 000000000000003c"}},
      {"L0:3-3 L0:4-4", 9, {"nor can any other"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.stored);
    CAPTURE(row.wanted);
    const auto plan = plan_restore(stored_files(row.stored), txid(row.wanted));
    REQUIRE_FALSE(plan.has_value());
    CAPTURE(plan.error().text);
    CHECK(plan.error().code == Code::Invalid);
    for (const std::string& part : row.says) CHECK(has(plan.error().text, part));
  }
}

TEST_CASE("an empty replica is not found, and a too early time is refused with the first one") {
  const auto empty = plan_restore({}, latest());
  REQUIRE_FALSE(empty.has_value());
  CHECK(empty.error().code == Code::NotFound);

  const auto early = plan_restore(stored_files("L9:1-40@100 L0:41-41@110"), before(100));
  REQUIRE_FALSE(early.has_value());
  CHECK(early.error().code == Code::NotFound);
  CHECK(has(early.error().text, "--txid 0000000000000028, stored at 1970-01-01T00:01:40"));

  // Level 0 went, the compacted file is younger than the time: no gap, but nothing to restore
  // either.
  const auto merged = plan_restore(stored_files("L1:1-60@60 L0:55-55@55 L0:60-60@60"), before(58));
  REQUIRE_FALSE(merged.has_value());
  CHECK(merged.error().code == Code::NotFound);
}

TEST_CASE("a restore target is a TXID or a time, not both") {
  const auto plan = plan_restore(stored_files("L0:1-1"), {.txid = Txid{1}, .before = at_second(5)});
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().code == Code::Invalid);
}

namespace {

// The oracle: every end that a chain of files that end no later than `limit` leads to, and 0.
std::set<std::uint64_t> reachable_ends(const std::vector<StoredFile>& all, std::uint64_t limit) {
  std::set<std::uint64_t> ends = {0};
  for (std::size_t pass = 0; pass < all.size(); ++pass) {
    for (const StoredFile& file : all) {
      if (file.txids.last.value > limit) continue;
      for (const std::uint64_t end : std::set<std::uint64_t>(ends)) {
        if (file.txids.first.value <= end + 1) ends.insert(file.txids.last.value);
      }
    }
  }
  return ends;
}

// The end of a plan's chain, each file of which must continue the one before.
std::uint64_t end_of(const RestorePlan& plan) {
  std::uint64_t reach = 0;
  for (const StoredFile& file : plan.files) {
    CHECK(file.txids.first.value <= reach + 1);
    CHECK(file.txids.last.value > reach);
    reach = file.txids.last.value;
  }
  return reach;
}

}  // namespace

TEST_CASE("a plan exists exactly if some chain of stored files leads to its target") {
  const std::uint32_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random()) % limit; };
  for (int round = 0; round < 2000; ++round) {
    std::string stored;
    const unsigned count = 2 + below(8);
    for (unsigned i = 0; i < count; ++i) {
      const unsigned first = 1 + below(9);
      const unsigned level = below(10);
      stored += fmt::format("L{}:{}-{} ", level, level == 9 ? 1 : first, first + below(4));
    }
    CAPTURE(stored);
    const auto all = stored_files(stored);
    for (unsigned wanted = 1; wanted <= 13; ++wanted) {
      CAPTURE(wanted);
      const auto plan = plan_restore(all, txid(wanted));
      CHECK(plan.has_value() == reachable_ends(all, wanted).contains(wanted));
      if (plan) CHECK(end_of(*plan) == wanted);
    }

    const std::uint64_t furthest = *reachable_ends(all, ~0ULL).rbegin();
    const bool has_gap = std::any_of(all.begin(), all.end(), [&](const StoredFile& file) {
      return file.txids.first.value > furthest + 1;
    });
    const auto plan = plan_restore(all, latest());
    CHECK(plan.has_value() == !has_gap);
    if (plan) CHECK(end_of(*plan) == furthest);
  }
}

TEST_CASE("a plan over ten thousand small files is made at once") {
  std::vector<StoredFile> many;
  for (std::uint64_t i = 10'000; i >= 1; --i) {
    many.push_back({.level = kUploadLevel, .txids = {Txid{i}, Txid{i}}, .size = 1, .time = {}});
  }
  const auto plan = plan_restore(many, latest());
  REQUIRE(plan.has_value());
  CHECK(plan->files.size() == 10'000);
}

TEST_CASE("the extent names the newest TXID and the newest upload") {
  CHECK(extent_of({}).newest == Txid{0});
  CHECK(extent_of({}).newest_upload == Txid{0});
  const ReplicaExtent extent = extent_of(stored_files("L9:1-40 L1:41-60 L0:12-12 L0:59-59"));
  CHECK(extent.newest == Txid{60});
  CHECK(extent.newest_upload == Txid{59});
}
