#include "walwrap/replication/capture/wal_writeback.hpp"

#include <cstdint>
#include <utility>

namespace walwrap::replication {
namespace {

// A few requests to a disk: more would wait for a slow one for too long.
constexpr Bytes kPiece = 512U << 10;
// A writer that is slower has each commit written to the disk (synchronous=FULL), or has time.
constexpr std::chrono::milliseconds kFastPiece{4};
// Waiting takes a twentieth of the time at most.
constexpr std::chrono::milliseconds kSlow{1};
constexpr int kLeftAlone = 20;

}  // namespace

void WalWriteback::on_read(Bytes offset, Bytes end) {
  if (offset < end_) begin_ = offset;
  end_ = end;
  const auto pieces = static_cast<std::int64_t>((end_ - begin_) / kPiece);
  if (pieces == 0) return;
  const MonoTime now = clock_.mono();
  const bool is_fast = now - std::exchange(begun_, now) <= pieces * kFastPiece;
  if (!is_fast) begin_ += static_cast<Bytes>(pieces) * kPiece;
  while (end_ - begin_ >= kPiece) {
    const Bytes at = std::exchange(begin_, begin_ + kPiece);
    const MonoTime before = clock_.mono();
    if (before < paused_until_) continue;
    start_(at, kPiece);
    const MonoTime after = clock_.mono();
    if (after - before > kSlow) paused_until_ = after + kLeftAlone * (after - before);
  }
}

}  // namespace walwrap::replication
