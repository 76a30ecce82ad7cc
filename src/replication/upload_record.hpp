// How far one database is stored, and the totals of its uploads since the replicator began.
//
// Pure; owned by the capture thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/upload/job.hpp"

namespace walwrap::replication {

class UploadRecord {
 public:
  UploadRecord() = default;
  // As an earlier run left it. `wal` is nullopt if its position in the WAL is unknown.
  UploadRecord(Txid txid, std::uint32_t pages, std::optional<wal::Position> wal)
      : txid_(txid), pages_(pages), up_to_{.as_of = {}, .wal = wal} {}

  void on_done(const UploadDone& done, WallTime now);
  // A job that covers this is stored, or a comparison found it equal.
  void on_stored(const StoredUpTo& covers) { up_to_ = covers; }
  // Every commit before `as_of` is stored.
  void on_all_stored(MonoTime as_of) { up_to_.as_of = std::max(up_to_.as_of, as_of); }

  Txid txid() const { return txid_; }
  std::uint32_t pages() const { return pages_; }  // database size as of it
  const StoredUpTo& up_to() const { return up_to_; }
  const UploadCounts& counts() const { return counts_; }
  std::chrono::milliseconds last_put() const { return last_put_; }  // duration of the last upload
  std::optional<WallTime> stored_at() const { return stored_at_; }  // time of the last upload

 private:
  Txid txid_;
  std::uint32_t pages_ = 0;
  StoredUpTo up_to_;
  UploadCounts counts_;
  std::chrono::milliseconds last_put_{0};
  std::optional<WallTime> stored_at_;
};

}  // namespace walwrap::replication
