// Stored files written down: "L9:1-40 L1:41-60@120" is level, decimal TXIDs, and the listed time in
// seconds (default: the last TXID). Each file has 100 bytes.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::testing {

inline WallTime at_second(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

inline std::vector<replication::StoredFile> stored_files(const std::string& text) {
  std::vector<replication::StoredFile> result;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    int level = 0;
    unsigned long long first = 0;
    unsigned long long last = 0;
    long long time = -1;
    const int fields =
        std::sscanf(word.c_str(), "L%d:%llu-%llu@%lld", &level, &first, &last, &time);
    REQUIRE(fields >= 3);
    result.push_back({.level = Level{level},
                      .txids = {Txid{first}, Txid{last}},
                      .size = 100,
                      .time = at_second(fields == 4 ? time : static_cast<long long>(last))});
  }
  return result;
}

}  // namespace walwrap::testing
