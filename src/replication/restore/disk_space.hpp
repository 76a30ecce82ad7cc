// Space on the disk of a database that is being restored, and what to say when there is none.
#pragma once

#include <cstdint>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

// Reserves for a file what has been proven to go into it, and no more: a size that a stored header
// merely claims must not take the disk from everybody else. Owned by one thread.
class SpaceReserve {
 public:
  SpaceReserve(os::File& file, os::Path directory)
      : file_(file), directory_(std::move(directory)) {}
  // Gives the file its final size, without taking space. Invalid: the disk has less than that.
  Result<void> begin(Bytes size);
  // So many bytes are known to come, in all. Invalid: the disk is full.
  Result<void> reserve(Bytes proven);

 private:
  os::File& file_;
  os::Path directory_;  // of the file
  Bytes size_ = 0;
  Bytes reserved_ = 0;
};

// `error` as it is, unless it comes from a disk with less than `needed` bytes left: then Invalid,
// with what to do, because waiting makes no room.
Error explain_full_disk(Error error, const os::Path& directory, Bytes needed = 1);

}  // namespace walwrap::replication
