// What the uploads of one database have come to since the replicator began, for its status. Pure;
// owned by the capture thread.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/replication/mailboxes.hpp"

namespace walwrap::replication {

class UploadRecord {
 public:
  void on_done(const UploadDone& done, WallTime now);

  const UploadCounts& counts() const { return counts_; }
  std::chrono::milliseconds last_put() const { return last_put_; }  // what it took
  std::optional<WallTime> stored_at() const { return stored_at_; }  // the last one

 private:
  UploadCounts counts_;
  std::chrono::milliseconds last_put_{0};
  std::optional<WallTime> stored_at_;
};

}  // namespace walwrap::replication
