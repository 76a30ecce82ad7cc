// A state with every member set.
#pragma once

#include "walwrap/replication/replica/state.hpp"

namespace walwrap::testing {

inline replication::SavedState sample_state() {
  using namespace replication;
  return {.lineage = {0x0123456789abcdef},
          .writer = {0xfedcba9876543210},
          .txid = {161},
          .stored_by = {0xfedcba9876543210},
          .page_size = {4096},
          .pages = 262'144,
          .slot = KnownFile{.size = 4120, .checksum = 0x8000000000000001},
          .front = KnownFront{Level{9}, {Txid{1}, Txid{160}}, {.size = 1U << 30U, .checksum = 7}},
          .wal = wal::Position{.salts = {1, 0xffffffff}, .frame = 77, .checksum = {0, 42}},
          .clean = true,
          .saved = WallTime(std::chrono::milliseconds(1'767'225'601'250)),
          .earlier_writers = {{1}, {0xff}}};
}

}  // namespace walwrap::testing
