// Which pages of a database differ from what is stored: read through a read snapshot, compared by
// their sums.
//
// A comparison reads the whole database, which can take longer than the WAL may grow. So one whose
// snapshot is recalled keeps the pages that it has found equal, and the next one does not read them
// again unless they have changed since. Owned by the uploader, on the upload thread.
#pragma once

#include <string>

#include "walwrap/base/page_set.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/replication/upload/job.hpp"

namespace walwrap::replication {

class Comparison {
 public:
  struct Found {
    PageSet differ{};
    std::string error{};    // a page could not be read; it counts as different
    bool recalled = false;  // not finished: `differ` is empty
  };
  // Before each job, of any kind: what has changed is no longer known to be equal.
  void forget_changed(const UploadJob& job);
  // Compares the pages of the job.
  Found run(const UploadJob& job, const PageSums& sums);
  // Found equal by comparisons that were recalled.
  const PageSet& equal() const { return equal_; }

 private:
  PageSet equal_;
};

}  // namespace walwrap::replication
