#include "walwrap/base/page_set.hpp"

#include <roaring/roaring.h>

#include <algorithm>
#include <limits>

#include "walwrap/base/check.hpp"

namespace walwrap {

namespace {

constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();

// Out of memory must not look like an empty set: pages would be forgotten.
roaring_bitmap_t* require(roaring_bitmap_t* bitmap) {
  WW_CHECK(bitmap != nullptr);
  return bitmap;
}

template <typename Pointer>
roaring_bitmap_t* raw(const Pointer& bitmap) {
  return static_cast<roaring_bitmap_t*>(bitmap.get());
}

}  // namespace

void PageSet::Free::operator()(void* bitmap) const {
  roaring_bitmap_free(static_cast<roaring_bitmap_t*>(bitmap));
}

PageSet::PageSet() = default;
PageSet::PageSet(PageSet&&) noexcept = default;
PageSet& PageSet::operator=(PageSet&&) noexcept = default;
PageSet::~PageSet() = default;

PageSet::PageSet(const PageSet& other) {
  if (other.bitmap_) bitmap_.reset(require(roaring_bitmap_copy(raw(other.bitmap_))));
}

PageSet& PageSet::operator=(const PageSet& other) {
  if (this != &other) *this = PageSet(other);
  return *this;
}

PageSet PageSet::range(Pgno first, Pgno last) {
  PageSet set;
  set.add_range(first, last);
  return set;
}

void PageSet::add(Pgno pgno) {
  WW_CHECK(pgno.value != 0);
  if (!bitmap_) bitmap_.reset(require(roaring_bitmap_create()));
  roaring_bitmap_add(raw(bitmap_), pgno.value);
}

void PageSet::add_range(Pgno first, Pgno last) {
  if (last < first) return;
  WW_CHECK(first.value != 0);
  if (!bitmap_) bitmap_.reset(require(roaring_bitmap_create()));
  roaring_bitmap_add_range_closed(raw(bitmap_), first.value, last.value);
  roaring_bitmap_run_optimize(raw(bitmap_));
}

void PageSet::add_all(const PageSet& other) {
  if (this == &other || other.empty()) return;
  if (bitmap_) {
    roaring_bitmap_or_inplace(raw(bitmap_), raw(other.bitmap_));
  } else {
    *this = other;
  }
}

void PageSet::remove(Pgno pgno) {
  if (bitmap_) roaring_bitmap_remove(raw(bitmap_), pgno.value);
}

void PageSet::remove_above(Pgno last) {
  if (!bitmap_ || last.value == kLargest) return;
  roaring_bitmap_remove_range_closed(raw(bitmap_), last.value + 1, kLargest);
}

void PageSet::clear() {
  bitmap_.reset();
}

bool PageSet::contains(Pgno pgno) const {
  return bitmap_ && roaring_bitmap_contains(raw(bitmap_), pgno.value);
}

bool PageSet::empty() const {
  return !bitmap_ || roaring_bitmap_is_empty(raw(bitmap_));
}

std::size_t PageSet::size() const {
  return bitmap_ ? roaring_bitmap_get_cardinality(raw(bitmap_)) : 0;
}

std::optional<Pgno> PageSet::last() const {
  if (empty()) return std::nullopt;
  return Pgno{roaring_bitmap_maximum(raw(bitmap_))};
}

bool PageSet::operator==(const PageSet& other) const {
  if (empty() || other.empty()) return empty() == other.empty();
  return roaring_bitmap_equals(raw(bitmap_), raw(other.bitmap_));
}

std::vector<Pgno> PageSet::next(Pgno after, std::size_t limit) const {
  if (empty() || after.value == kLargest) return {};
  roaring_uint32_iterator_t position;
  roaring_init_iterator(raw(bitmap_), &position);
  std::vector<Pgno> members;
  if (!roaring_move_uint32_iterator_equalorlarger(&position, after.value + 1)) return members;
  members.reserve(std::min(limit, size()));
  while (position.has_value && members.size() < limit) {
    members.push_back(Pgno{position.current_value});
    roaring_advance_uint32_iterator(&position);
  }
  return members;
}

Bytes PageSet::memory() const {
  if (!bitmap_) return sizeof(*this);
  roaring_statistics_t held{};
  roaring_bitmap_statistics(raw(bitmap_), &held);
  // Per container: a pointer, a key of two bytes and a type of one in the directory, and the
  // container's own head (a count, a capacity, a pointer).
  constexpr Bytes kPerContainer = sizeof(void*) + 2 + 1 + 2 * sizeof(std::int32_t) + sizeof(void*);
  return sizeof(*this) + sizeof(roaring_bitmap_t) + kPerContainer * held.n_containers +
         held.n_bytes_array_containers + held.n_bytes_run_containers +
         held.n_bytes_bitset_containers;
}

}  // namespace walwrap
