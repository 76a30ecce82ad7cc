// Finds the pages of a database that differ from the stored ones: reads them through a read
// snapshot and compares their sums.
//
// A comparison reads the whole database, which can take longer than the WAL may grow. If its
// snapshot is recalled, it keeps the pages that it found equal, and the next comparison reads them
// again only if they have changed. Owned by the uploader, on the upload thread.
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
  // Call it before each job of any kind: changed pages are no longer known to be equal.
  void forget_changed(const UploadJob& job);
  // Compares the pages of the job.
  Found run(const UploadJob& job, const PageSums& sums);
  // Pages that recalled comparisons found equal.
  const PageSet& equal() const { return equal_; }

 private:
  PageSet equal_;
};

}  // namespace walwrap::replication
