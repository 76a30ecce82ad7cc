#include "walwrap/replication/upload_record.hpp"

namespace walwrap::replication {

void UploadRecord::on_done(const UploadDone& done, WallTime now) {
  txid_ = done.txid;
  pages_ = done.pages;
  if (!done.is_stored() && !done.error.empty()) ++counts_.failed;
  const auto* changes = std::get_if<answer::Changes>(&done.answer);
  // The duration of a snapshot says nothing about the lag.
  if (changes != nullptr && changes->stored) {
    counts_.took.observe(std::chrono::duration<double>(done.took).count());
    last_put_ = std::chrono::duration_cast<std::chrono::milliseconds>(done.took);
  }
  counts_.bytes += done.bytes() + done.compacted;
  if (done.bytes() > 0) stored_at_ = now;
}

}  // namespace walwrap::replication
