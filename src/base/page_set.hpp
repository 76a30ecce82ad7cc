// The set of changed pages.
//
// A compressed bitmap (CRoaring), so a set of any size stays small: at most 32 KiB per GiB of a
// database with 4 KiB pages, a few bytes for a full range. A value; moved whole between threads.
// Page 0 is never a member. Iteration is in ascending order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "walwrap/base/types.hpp"

namespace walwrap {

class PageSet {
 public:
  PageSet();
  PageSet(const PageSet& other);
  PageSet& operator=(const PageSet& other);
  PageSet(PageSet&&) noexcept;  // the source is left empty
  PageSet& operator=(PageSet&&) noexcept;
  ~PageSet();

  static PageSet range(Pgno first, Pgno last);  // inclusive; empty if last < first

  void add(Pgno pgno);
  void add_range(Pgno first, Pgno last);
  void add_all(const PageSet& other);
  void remove(Pgno pgno);
  void remove_above(Pgno last);  // keeps pages <= last
  void clear();

  bool contains(Pgno pgno) const;
  bool empty() const;
  std::size_t size() const;
  std::optional<Pgno> last() const;
  bool operator==(const PageSet& other) const;

  // The members above `after` (Pgno{0}: from the first), at most `limit` of them: iteration in
  // batches, so that a caller may stop, wait, or be interrupted between them.
  std::vector<Pgno> next(Pgno after, std::size_t limit) const;

  template <typename Visit>
  void for_each(Visit visit) const {
    Pgno after{0};
    for (auto batch = next(after, kBatch); !batch.empty(); batch = next(after, kBatch)) {
      for (const Pgno pgno : batch) visit(pgno);
      after = batch.back();
    }
  }

  // Bytes of memory held.
  Bytes memory() const;

 private:
  static constexpr std::size_t kBatch = 4096;
  struct Free {
    void operator()(void* bitmap) const;
  };
  // A roaring_bitmap_t, whose namespace differs between versions of CRoaring. Null: empty.
  std::unique_ptr<void, Free> bitmap_;
};

}  // namespace walwrap
