// Images of pages in a file without a name, so that a large upload need not keep its snapshot.
//
// A snapshot keeps the WAL from restarting, and beside a writer at full speed even the time that an
// upload takes to a quick disk is too long. So its pages are copied first, which takes no store.
// If the WAL becomes too long meanwhile the snapshot is given back, and the copies stay: the next
// attempt copies only what has changed since, and what was not reached. Each image is as of the
// snapshot that it was copied at; its user says which pages have changed since.
//
// The file is sparse, a page lies where it lies in the database, and its space is gone with this.
// Owned by the upload thread.
#pragma once

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

class PageCopy {
 public:
  // In `directory`, which is there.
  static Result<PageCopy> create(const os::Path& directory, PageSize page_size);

  Result<void> put(Pgno pgno, ByteSpan page);
  // Of a page that is in pages().
  Result<void> get(Pgno pgno, MutableByteSpan page) const;
  const PageSet& pages() const { return pages_; }
  PageSize page_size() const { return page_size_; }
  // Their images are of the past, as are those above `last`.
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
