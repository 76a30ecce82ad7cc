#include "walwrap/wal/frame_map.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace walwrap::wal {
namespace {

TEST_CASE("the frame map gives the newest frame of each page and no other") {
  FrameMap map;
  CHECK(map.newest(Pgno{1}) == 0);
  map.add({.first_frame = 1, .pages = {Pgno{1}, Pgno{7}}, .commit = 7});
  map.add({.first_frame = 3, .pages = {Pgno{7}, Pgno{9}, Pgno{7}}, .commit = 9});
  CHECK(map.newest(Pgno{1}) == 1);
  CHECK(map.newest(Pgno{7}) == 5);
  CHECK(map.newest(Pgno{9}) == 4);
  CHECK(map.newest(Pgno{2}) == 0);
  CHECK(map.size() == 3);
}

TEST_CASE("the frame map is cleared when the WAL restarts") {
  FrameMap map;
  map.add({.first_frame = 1, .pages = {Pgno{1}}, .commit = 1});
  map.clear();
  CHECK(map.newest(Pgno{1}) == 0);
  CHECK(map.size() == 0);
}

TEST_CASE("the frame map agrees with a std::map through random histories") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  FrameMap map;
  std::map<std::uint32_t, std::uint32_t> oracle;
  std::uint32_t frame = 1;
  for (int i = 0; i < 2000; ++i) {
    Transaction transaction{.first_frame = frame, .pages = {}, .commit = 1};
    for (auto n = random() % 8 + 1; n > 0; --n) {
      const auto pgno = static_cast<std::uint32_t>(random() % 3000 + 1);
      transaction.pages.push_back(Pgno{pgno});
      oracle[pgno] = frame++;
    }
    map.add(transaction);
  }
  for (std::uint32_t pgno = 1; pgno <= 3001; ++pgno) {
    const auto found = oracle.find(pgno);
    REQUIRE(map.newest(Pgno{pgno}) == (found == oracle.end() ? 0 : found->second));
  }
}

}  // namespace
}  // namespace walwrap::wal
