#include "walwrap/replication/upload/comparison.hpp"

#include "walwrap/base/check.hpp"

namespace walwrap::replication {

void Comparison::forget_changed(const UploadJob& job) {
  // Commits may have been missed since the last job: no page is known to be equal.
  if (!job.continues) equal_.clear();
  job.changed.for_each([this](Pgno pgno) { equal_.remove(pgno); });
  equal_.remove_above(Pgno{job.commit});
}

Comparison::Found Comparison::run(const UploadJob& job, const PageSums& sums) {
  WW_CHECK(equal_.size() <= job.commit);
  Found found;
  ByteVector page(job.page_size.value);
  job.pages.for_each([&](Pgno pgno) {
    if (found.recalled || equal_.contains(pgno)) return;
    const auto read = job.snapshot.read_page(pgno, page);
    found.recalled = !read && read.error().code == Code::Cancelled;
    if (found.recalled) return;
    if (!read) found.error = read.error().text;
    // A page that could not be read, or whose sum is unknown, counts as different: storing it once
    // more is safe.
    if (read && page_sum(page) == sums.get(pgno)) {
      equal_.add(pgno);
    } else {
      found.differ.add(pgno);
    }
  });
  if (found.recalled) {
    // The next comparison finds these pages again, because their sums still differ.
    return {.differ = {}, .error = {}, .recalled = true};
  }
  WW_CHECK(found.error.empty() || !found.differ.empty());
  equal_.clear();
  return found;
}

}  // namespace walwrap::replication
