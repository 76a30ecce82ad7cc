#include "walwrap/replication/upload/snapshot_lease.hpp"

#include <utility>

#include "walwrap/base/check.hpp"

namespace walwrap::replication {

SnapshotLease::SnapshotLease(std::unique_ptr<sqlite::Snapshot> begun, Home home)
    : snapshot_(std::move(begun)), home_(std::move(home)) {
  WW_CHECK(snapshot_ != nullptr && snapshot_->is_active());
  WW_CHECK(home_.give_back != nullptr && home_.is_recalled != nullptr);
}

SnapshotLease& SnapshotLease::operator=(SnapshotLease&& other) noexcept {
  if (this == &other) return *this;
  give_back();  // not destroyed here
  snapshot_ = std::move(other.snapshot_);
  home_ = std::move(other.home_);
  return *this;
}

SnapshotLease::State SnapshotLease::state() const {
  if (!snapshot_) return State::Home;
  return was_recalled() ? State::Recalled : State::Reading;
}

Result<void> SnapshotLease::read_page(Pgno pgno, MutableByteSpan page) const {
  WW_CHECK(snapshot_ != nullptr);
  // Checked before each page: past the WAL limit the app waits for the snapshot, and it should wait
  // for one page at most.
  if (was_recalled()) return fail(Code::Cancelled, kRecalled);
  return snapshot_->read_page(pgno, page);
}

void SnapshotLease::give_back() {
  if (!snapshot_) return;
  // The snapshot ends here and not on the capture thread: until then it keeps the WAL from
  // restarting, and the capture thread may be busy.
  snapshot_->end();
  home_.give_back(std::move(snapshot_));
}

}  // namespace walwrap::replication
