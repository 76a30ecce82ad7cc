// Space on the disk for a restored database, and the error message when there is too little.
#pragma once

#include <cstdint>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

// Reserves only the space that verified data needs: a size that a stored header merely claims must
// not fill the disk. Owned by one thread.
class SpaceReserve {
 public:
  SpaceReserve(os::File& file, os::Path directory)
      : file_(file), directory_(std::move(directory)) {}
  // Gives the file its final size, without taking space. Invalid: the disk has less than that.
  Result<void> begin(Bytes size);
  // The total number of bytes that are known to come. Invalid: the disk is full.
  Result<void> reserve(Bytes proven);

 private:
  os::File& file_;
  os::Path directory_;  // of the file
  Bytes size_ = 0;
  Bytes reserved_ = 0;
};

// Returns `error` unchanged, unless the disk has less than `needed` bytes left. Then returns
// Invalid with what to do, because waiting does not free space.
Error explain_full_disk(Error error, const os::Path& directory, Bytes needed = 1);

}  // namespace walwrap::replication
