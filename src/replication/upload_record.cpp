#include "walwrap/replication/upload_record.hpp"

namespace walwrap::replication {

void UploadRecord::on_done(const UploadDone& done, WallTime now) {
  if (!done.stored && !done.error.empty()) ++counts_.failed;
  if (done.stored && done.kind == UploadJob::Kind::Changes) {
    counts_.took.observe(std::chrono::duration<double>(done.took).count());
    last_put_ = std::chrono::duration_cast<std::chrono::milliseconds>(done.took);
  }
  counts_.bytes += done.bytes + done.merged;
  if (done.bytes > 0) stored_at_ = now;
}

}  // namespace walwrap::replication
