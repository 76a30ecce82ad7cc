// Pages of a snapshot -> the bytes of one LTX file.
//
// The file is decoded again while it is encoded. Otherwise only a restore would notice a bad file
// in the chain, too late. Used by the upload thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/encoder.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::replication {

using ReadPage = std::function<Result<void>(Pgno, MutableByteSpan)>;

struct SnapshotPages {
  ReadPage read;  // one of `pages`, as of the snapshot
  const PageSet& pages;
  ltx::Header header;
  Bytes total() const { return pages.size() * header.page_size.value; }
};

struct Encoded {
  std::vector<std::uint64_t> sums;  // of the pages, in order
  bool has_sums = true;             // false: there were too many to keep
  std::uint64_t file_checksum = 0;
  Bytes size = 0;
};

class SnapshotFile {
 public:
  using StartEncoder = std::function<Result<ltx::Encoder>(const ltx::Header&, WriteFn)>;
  struct Dependencies {
    // How many bytes of a large file's pages are sent so far.
    std::function<void(Bytes)> on_streamed;
    StartEncoder start_encoder;
  };
  // A file with at most this size of pages is small: it is held in memory during an outage.
  static constexpr Bytes kSmall = 4ULL << 20;

  SnapshotFile(Dependencies deps, const os::Clock& clock, const Log& log)
      : deps_(std::move(deps)), clock_(clock), log_(log) {}

  Result<Encoded> encode(const SnapshotPages& from, const WriteFn& sink) const;

 private:
  Dependencies deps_;
  const os::Clock& clock_;
  const Log& log_;
};

}  // namespace walwrap::replication
