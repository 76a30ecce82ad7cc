// Reads the pages of a live database as of one moment, while the app continues to write.
//
// begin() opens a read transaction on its own connection. Until end(), no process can overwrite
// what it needs: the WAL does not restart, and nothing past its read mark is backfilled. A page
// comes from its newest frame at or before that moment, or else from the database file. Used by one
// thread at a time: the capture thread begins it and sets the frames of the pages, the uploader
// reads and ends it. Must be destroyed before its CheckpointOwner.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/connection.hpp"
#include "walwrap/wal/format.hpp"

namespace walwrap::sqlite {

struct FrameRef {
  Pgno pgno;
  std::uint32_t frame = 0;
};

class Snapshot {
 public:
  // Opens its connection and its descriptor of the -wal.
  static Result<std::unique_ptr<Snapshot>> open(const CheckpointOwner& owner);

  struct Moment {
    wal::IndexHeader index;       // the state that is read
    bool all_backfilled = false;  // every page is in the database file: no frames are needed
  };
  // Busy: no quiet moment was found; try again.
  Result<Moment> begin(const CheckpointOwner& owner);
  // Frames of this generation for the pages to read, in ascending page order. Pages without a frame
  // are read from the database file. Call it between begin() and the first read.
  void set_frames(wal::Salts salts, std::vector<FrameRef> frames);
  // Reads exactly one page. A page past the end of the file is zeros. Corrupt: a frame is not the
  // captured one.
  Result<void> read_page(Pgno pgno, MutableByteSpan page) const;
  void end();
  bool is_active() const { return active_; }

 private:
  Snapshot(Connection connection, os::File wal, const CheckpointOwner& owner);
  Result<Moment> moment_of_file(wal::IndexHeader index);
  std::uint32_t frame_of(Pgno pgno) const;
  Connection connection_;
  sqlite3_file* database_;
  os::File wal_;
  PageSize page_size_;
  const std::atomic<bool>& abandoned_;  // the owner's
  wal::Salts salts_;
  std::vector<FrameRef> frames_;
  mutable ByteVector frame_bytes_;  // scratch
  bool active_ = false;
};

}  // namespace walwrap::sqlite
