#include "walwrap/replication/capture/wal_writeback.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "tests/support/manual_clock.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kKiB = 1024;

struct Rig {
  testing::ManualClock clock;
  std::chrono::milliseconds takes{0};
  std::vector<std::pair<Bytes, Bytes>> ranges;  // in KiB: where each begins and ends
  WalWriteback writeback{[this](Bytes offset, Bytes length) {
                           ranges.emplace_back(offset / kKiB, (offset + length) / kKiB);
                           clock.advance(takes);
                         },
                         clock};

  std::vector<std::pair<Bytes, Bytes>> read(Bytes from, Bytes to) {
    ranges.clear();
    writeback.on_read(from * kKiB, to * kKiB);
    return ranges;
  }
};

using Ranges = std::vector<std::pair<Bytes, Bytes>>;

TEST_CASE(
    "a WAL goes to the disk in pieces, each of them once, and from its front after a restart") {
  Rig rig;
  CHECK(rig.read(0, 100) == Ranges{});
  CHECK(rig.read(100, 600) == Ranges{{0, 512}});
  CHECK(rig.read(600, 700) == Ranges{});
  CHECK(rig.read(700, 2048) == Ranges{{512, 1024}, {1024, 1536}, {1536, 2048}});
  CHECK(rig.read(0, 512) == Ranges{{0, 512}});
}

TEST_CASE("a disk that lets the capture wait is left alone for twenty times as long") {
  Rig rig;
  rig.takes = std::chrono::milliseconds(6);
  CHECK(rig.read(0, 1024) == Ranges{{0, 512}});
  rig.takes = std::chrono::milliseconds(1);
  rig.clock.advance(std::chrono::milliseconds(119));
  CHECK(rig.read(1024, 1536) == Ranges{});
  rig.clock.advance(std::chrono::milliseconds(1));
  CHECK(rig.read(1536, 2560) == Ranges{{1536, 2048}, {2048, 2560}});
}

}  // namespace
}  // namespace walwrap::replication
