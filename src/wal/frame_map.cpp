#include "walwrap/wal/frame_map.hpp"

#include <utility>

namespace walwrap::wal {
namespace {

constexpr std::size_t kFirstSlots = 256;

std::size_t slot_of(std::uint32_t pgno, std::size_t slots) {
  constexpr std::uint32_t kGoldenRatio = 0x9e3779b9;  // spreads runs of neighbours
  const std::uint32_t spread = pgno * kGoldenRatio;   // wraps
  return spread & (slots - 1);
}

}  // namespace

void FrameMap::add(const Transaction& transaction) {
  std::uint32_t frame = transaction.first_frame;
  for (const Pgno pgno : transaction.pages) put(pgno.value, frame++);
}

std::uint32_t FrameMap::newest(Pgno pgno) const {
  if (slots_.empty()) return 0;
  std::size_t at = slot_of(pgno.value, slots_.size());
  while (slots_[at].pgno != 0) {
    if (slots_[at].pgno == pgno.value) return slots_[at].frame;
    at = (at + 1) & (slots_.size() - 1);
  }
  return 0;
}

void FrameMap::clear() {
  slots_ = {};
  used_ = 0;
}

void FrameMap::put(std::uint32_t pgno, std::uint32_t frame) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  std::size_t at = slot_of(pgno, slots_.size());
  while (slots_[at].pgno != 0 && slots_[at].pgno != pgno) at = (at + 1) & (slots_.size() - 1);
  if (slots_[at].pgno == 0) ++used_;
  slots_[at] = Slot{pgno, frame};
}

void FrameMap::grow() {
  const std::size_t slots = slots_.empty() ? kFirstSlots : 2 * slots_.size();
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.pgno != 0) put(slot.pgno, slot.frame);
  }
}

}  // namespace walwrap::wal
