// Whether every commit was found: SQLite's own count of commits against ours. Pure; owned by
// Capture.
//
// The wal-index header counts commits (`iChange`, wal/index.hpp). Where everything that a header
// publishes has been read, that count less the commits found is the same number for as long as
// nothing was missed, however often the WAL restarted in between. It restarts when the wal-index
// is recovered or made. Both counts wrap at 2^32, and so does their difference.
#pragma once

#include <cstdint>
#include <optional>

namespace walwrap::replication {

class CommitCount {
 public:
  // A commit was read from the WAL.
  void on_commit() { ++found_; }

  enum class Finding {
    Agrees,
    Missed,      // there were commits that nobody has read: missed() has grown
    BeganAnew,   // SQLite's count is lower than it was: a process recovered the wal-index
    Uncountable  // more commits were read than SQLite counted: it proves nothing here
  };
  // `change`: SQLite's count in a header of which everything was read.
  Finding compare(std::uint32_t change);
  // What happened since the last comparison is not known, or SQLite's count restarts: the next
  // one is the first.
  void restart() { last_.reset(); }

  // The last comparison was with this `change`, and nothing has been found since.
  bool agrees_with(std::uint32_t change) const;
  // False: a sector is filled up with a repeated commit frame (`psow=0`), so counts differ.
  bool can_prove() const { return can_prove_; }
  std::uint64_t missed() const { return missed_; }

 private:
  struct Compared {
    std::uint32_t change = 0;
    std::uint32_t found = 0;
  };
  std::uint32_t found_ = 0;
  std::optional<Compared> last_;
  bool can_prove_ = true;
  std::uint64_t missed_ = 0;
};

}  // namespace walwrap::replication
