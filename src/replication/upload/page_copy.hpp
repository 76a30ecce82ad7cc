// Page images in an unnamed file, so that a large upload need not keep its snapshot.
//
// A snapshot keeps the WAL from restarting, and next to a writer at full speed even an upload to a
// fast disk takes too long. So the pages are copied first, without the store. If the WAL becomes
// too long in the meantime, the snapshot is returned and the copies stay: the next attempt copies
// only the changed and the missing pages. Each image is as of the snapshot from which it was
// copied. The user of the copy says which pages have changed since.
//
// The file is sparse and has each page at its place in the database. Its space is freed with this
// object. Owned by the upload thread.
#pragma once

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

class PageCopy {
 public:
  // `directory` must exist.
  static Result<PageCopy> create(const os::Path& directory, PageSize page_size);

  Result<void> put(Pgno pgno, ByteSpan page);
  // For a page that is in pages().
  Result<void> get(Pgno pgno, MutableByteSpan page) const;
  const PageSet& pages() const { return pages_; }
  PageSize page_size() const { return page_size_; }
  // The images of these pages, and of those above `last`, are out of date.
  void forget(const PageSet& changed, Pgno last) {
    changed.for_each([this](Pgno pgno) { pages_.remove(pgno); });
    pages_.remove_above(last);
  }

 private:
  PageCopy(os::File file, PageSize page_size) : file_(std::move(file)), page_size_(page_size) {}
  Bytes offset_of(Pgno pgno) const { return Bytes{pgno.value - 1} * page_size_.value; }
  os::File file_;
  PageSize page_size_;
  PageSet pages_;
};

}  // namespace walwrap::replication
