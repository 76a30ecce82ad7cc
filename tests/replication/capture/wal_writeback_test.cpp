#include "walwrap/replication/capture/wal_writeback.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "tests/support/manual_clock.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kKiB = 1024;

struct WritebackRig {
  testing::ManualClock clock;
  std::chrono::milliseconds takes{0};
  std::chrono::milliseconds between{1};         // two reads
  std::vector<std::pair<Bytes, Bytes>> ranges;  // in KiB: where each begins and ends
  WalWriteback writeback{[this](Bytes offset, Bytes length) {
                           ranges.emplace_back(offset / kKiB, (offset + length) / kKiB);
                           clock.advance(takes);
                         },
                         clock};

  std::vector<std::pair<Bytes, Bytes>> read(Bytes from, Bytes to) {
    ranges.clear();
    clock.advance(between);
    writeback.on_read(from * kKiB, to * kKiB);
    return ranges;
  }
};

using Ranges = std::vector<std::pair<Bytes, Bytes>>;

TEST_CASE(
    "a WAL goes to the disk in pieces, each of them once, and from its front after a restart") {
  WritebackRig rig;
  CHECK(rig.read(0, 100) == Ranges{});
  CHECK(rig.read(100, 600) == Ranges{{0, 512}});
  CHECK(rig.read(600, 700) == Ranges{});
  CHECK(rig.read(700, 2048) == Ranges{{512, 1024}, {1024, 1536}, {1536, 2048}});
  CHECK(rig.read(0, 512) == Ranges{{0, 512}});
}

TEST_CASE("a WAL that grows slowly is left to the checkpoint") {
  WritebackRig rig;
  rig.between = std::chrono::milliseconds(5);
  CHECK(rig.read(0, 512) == Ranges{});
  CHECK(rig.read(512, 1024) == Ranges{});
  CHECK(rig.read(1024, 2048) == Ranges{{1024, 1536}, {1536, 2048}});
  rig.between = std::chrono::milliseconds(4);
  CHECK(rig.read(2048, 2560) == Ranges{{2048, 2560}});
}

TEST_CASE("a disk that lets the capture wait is left alone for twenty times as long") {
  WritebackRig rig;
  rig.takes = std::chrono::milliseconds(6);
  CHECK(rig.read(0, 1024) == Ranges{{0, 512}});
  rig.takes = std::chrono::milliseconds(0);
  rig.between = std::chrono::milliseconds(4);
  Bytes at = 1024;
  for (; at < 1024 + 29 * 512; at += 512) REQUIRE(rig.read(at, at + 512) == Ranges{});
  CHECK(rig.read(at, at + 512) == Ranges{{at, at + 512}});
}

}  // namespace
}  // namespace walwrap::replication
