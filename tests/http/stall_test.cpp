#include "walwrap/http/stall.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace walwrap;
using namespace walwrap::http;
using namespace std::chrono_literals;

TEST_CASE("an exchange stalls when a whole window passes with too few bytes") {
  struct Look {
    std::chrono::milliseconds at;
    Bytes moved;
  };
  struct Row {
    const char* what;
    std::vector<Look> looks;
    bool is_stalled;  // at the last of them; at none before
  };
  const Row rows[] = {
      {"it has just begun", {{0ms, 0}}, false},
      {"nothing for nearly a window", {{0ms, 0}, {999ms, 0}}, false},
      {"nothing for a window", {{0ms, 0}, {999ms, 0}, {1000ms, 0}}, true},
      {"too little for a window", {{0ms, 0}, {500ms, 400}, {1000ms, 999}}, true},
      {"just enough", {{0ms, 0}, {500ms, 400}, {1000ms, 1000}}, false},
      {"enough, then nothing", {{0ms, 0}, {900ms, 9000}, {1800ms, 9000}, {1900ms, 9000}}, true},
      {"enough again and again",
       {{0ms, 0}, {900ms, 1000}, {1800ms, 2000}, {2700ms, 3000}, {3600ms, 4000}},
       false},
      {"a clock that jumped while the machine slept", {{0ms, 0}, {10ms, 900}, {1h, 900}}, true},
      {"bytes moved before the first look do not count", {{0ms, 5000}, {1000ms, 5999}}, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    StallWatch watch({.window = 1000ms, .bytes_per_second = 1000});
    for (std::size_t i = 0; i < row.looks.size(); ++i) {
      CAPTURE(i);
      const bool is_last = i + 1 == row.looks.size();
      CHECK(watch.is_stalled(MonoTime(1h + row.looks[i].at), row.looks[i].moved) ==
            (is_last && row.is_stalled));
    }
  }
}
