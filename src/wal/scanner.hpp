// Finds the committed transactions in a SQLite WAL, fed in file order and in any chunks.
//
// Pure; owned by one capture thread. Offsets and sizes are bytes from the start of the -wal
// file; page numbers start at 1. Source: sqlite.org/fileformat2.html, "The Write-Ahead Log".
//
// A transaction is reported only when its commit frame and every frame before it carry the
// header's salts and an unbroken checksum chain. What follows is no error (Law 6): a commit being
// written, or frames of an earlier generation. Page images stay in the file, found by offset.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/wal/format.hpp"

namespace walwrap::wal {

// After frame `frame` of the generation with these salts, where the running checksum was
// `checksum`. frame 0: at the start of the WAL.
struct Position {
  Salts salts;
  std::uint32_t frame = 0;
  Checksum checksum;
  bool operator==(const Position&) const = default;
};

struct Transaction {
  std::uint32_t first_frame = 0;  // from 1
  std::vector<Pgno> pages;        // page of first_frame, first_frame + 1, ...
  std::uint32_t commit = 0;       // database size in pages after it
};

class Scanner {
 public:
  // Begins after the header, or where an earlier scan ended (`resume` must have the header's
  // salts, else Mismatch). nullopt: the header fails its checksum, so SQLite has not finished
  // writing it; ask again. Errors: Unsupported (version).
  static Result<std::optional<Scanner>> start(ByteSpan header, std::optional<Position> resume);

  // Takes the next bytes from next_offset() on; returns the transactions they complete, oldest
  // first. After ended() it ignores what it is given.
  std::vector<Transaction> feed(ByteSpan bytes);

  // Where the next bytes for feed() begin.
  Bytes next_offset() const;
  // After the last complete transaction.
  const Position& position() const { return committed_; }
  // A frame failed its salts or checksum: the WAL ends here for now. If the wal-index says that
  // there is more, the caller starts again from position().
  bool ended() const { return ended_; }
  PageSize page_size() const { return header_.page_size; }
  const Header& header() const { return header_; }

 private:
  explicit Scanner(const Header& header);
  void take_frame(ByteSpan frame, std::vector<Transaction>& complete);
  Header header_;
  Position committed_;       // after the last commit frame
  std::uint32_t frame_ = 0;  // frames taken, committed or not
  Checksum checksum_;        // after frame_
  Transaction open_;         // frames since the last commit frame
  ByteVector partial_;       // an incomplete frame
  bool ended_ = false;
};

}  // namespace walwrap::wal
