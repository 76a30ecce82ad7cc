// Whether every commit was found: compares SQLite's count of commits with walwrap's. Pure; owned by
// Capture.
//
// The wal-index header counts commits (`iChange`, wal/index.hpp). If everything that a header lists
// was read, the difference of that count and the found commits stays the same as long as no commit
// is missed, also when the WAL restarts. The count restarts when the wal-index is recovered or
// created. Both counts wrap at 2^32, and so does their difference.
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
    Missed,      // there were commits that walwrap did not read: missed() has grown
    BeganAnew,   // SQLite's count is lower than it was: a process recovered the wal-index
    Uncountable  // more commits were read than SQLite counted: it proves nothing here
  };
  // `change`: SQLite's count in a header after everything that it lists was read.
  Finding compare(std::uint32_t change);
  // It is unknown what happened since the last comparison, or SQLite's count restarts. The next
  // comparison is the first.
  void restart() { last_.reset(); }

  // The last comparison had this `change`, and no commit was found since.
  bool agrees_with(std::uint32_t change) const;
  // False: repeated commit frames fill up a sector (`psow=0`), so the counts differ.
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
