// Page -> newest frame of the current WAL generation. Pure.
//
// Open addressing over two 32-bit words a slot: 16 to 32 bytes a page, so a gigabyte transaction
// costs a few MiB. Owned by one capture thread.
#pragma once

#include <cstdint>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::wal {

class FrameMap {
 public:
  // Later calls win: transactions are added in WAL order.
  void add(const Transaction& transaction);
  // 0: the page has no frame, it is in the database file.
  std::uint32_t newest(Pgno pgno) const;
  void clear();  // the WAL restarted; releases the memory
  std::size_t size() const { return used_; }

 private:
  struct Slot {
    std::uint32_t pgno = 0;  // 0: free
    std::uint32_t frame = 0;
  };
  void put(std::uint32_t pgno, std::uint32_t frame);
  void grow();
  std::vector<Slot> slots_;  // a power of two, at most half used
  std::size_t used_ = 0;
};

}  // namespace walwrap::wal
