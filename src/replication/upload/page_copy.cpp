#include "walwrap/replication/upload/page_copy.hpp"

#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::replication {

Result<PageCopy> PageCopy::create(const os::Path& directory, PageSize page_size) {
  const os::Path path = directory / fmt::format("copy-{:016x}", os::random_u64());
  auto file = TRY(os::File::open(path, os::File::Open::CreateNew).context("make a copy of pages"));
  TRY(os::remove_file(path).context("make a copy of pages"));
  return PageCopy(std::move(file), page_size);
}

Result<void> PageCopy::put(Pgno pgno, ByteSpan page) {
  WW_CHECK(pgno.value > 0 && page.size() == page_size_.value);
  TRY(file_.write_at(page, offset_of(pgno)));
  pages_.add(pgno);
  return {};
}

Result<void> PageCopy::get(Pgno pgno, MutableByteSpan page) const {
  WW_CHECK(pages_.contains(pgno) && page.size() == page_size_.value);
  const auto got = TRY(file_.read_at(page, offset_of(pgno)));
  if (got != page.size()) return fail(Code::Io, "the copy of page {} is cut off", pgno);
  return {};
}

}  // namespace walwrap::replication
