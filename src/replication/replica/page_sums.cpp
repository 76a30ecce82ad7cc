#include "walwrap/replication/replica/page_sums.hpp"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "walwrap/base/bytes.hpp"

namespace walwrap::replication {
namespace {

constexpr std::uint64_t kPagesMagic = 0x3273656761707777;  // "wwpages2"
constexpr Bytes kSumsHeaderBytes = PageSums::kHeaderBytes;
constexpr Bytes kHeaderSumAt = 56;
constexpr Bytes kRecordBytes = PageSums::kRecordBytes;
constexpr unsigned kTxidBits = 48;
constexpr std::uint64_t kTxidMask = (1ULL << kTxidBits) - 1;
constexpr std::uint64_t kSumFactor = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kTxidFactor = 0xc2b2ae3d27d4eb4f;
constexpr std::uint64_t kPgnoFactor = 0x165667b19e3779f9;

Bytes offset_of(Pgno pgno) {
  return kSumsHeaderBytes + (Bytes{pgno.value} - 1) * kRecordBytes;
}

std::uint64_t header_sum(ByteSpan header) {
  return XXH3_64bits(header.data(), kHeaderSumAt);
}

bool is_header(ByteSpan file) {
  return file.size() >= kSumsHeaderBytes && load_le64(file) == kPagesMagic &&
         load_le64(file.subspan(kHeaderSumAt)) == header_sum(file);
}

}  // namespace

std::uint64_t page_sum(ByteSpan page) {
  const std::uint64_t sum = XXH3_64bits(page.data(), page.size());
  return sum == 0 ? 1 : sum;
}

std::uint16_t record_check(Pgno pgno, std::uint64_t sum, Txid stored_by) {
  const std::uint64_t mixed =
      sum * kSumFactor + stored_by.value * kTxidFactor + pgno.value * kPgnoFactor;
  return static_cast<std::uint16_t>(mixed >> kTxidBits);
}

PageSums::PageSums(os::MappedFile file) : file_(std::move(file)) {
  has_header_ = is_header(std::as_const(file_).bytes());
  is_readable_ = has_header_ || std::as_const(file_).bytes().empty();
}

bool PageSums::are_of(RandomId lineage, Txid at_least) const {
  if (!has_header_) return false;
  const ByteSpan header = file_.bytes();
  return load_le64(header.subspan(8)) == lineage.value &&
         load_le64(header.subspan(16)) >= at_least.value;
}

PageSums::Record PageSums::record(Pgno pgno) const {
  WW_CHECK(pgno.value > 0);
  if (pgno.value > pages()) return {};
  const ByteSpan bytes = file_.bytes().subspan(offset_of(pgno), kRecordBytes);
  const Record found{load_le64(bytes), Txid{load_le64(bytes.subspan(8)) & kTxidMask}};
  const bool is_known =
      found.sum != 0 && found.stored_by != Txid{0} && found.stored_by <= newest_ &&
      load_le64(bytes.subspan(8)) >> kTxidBits == record_check(pgno, found.sum, found.stored_by);
  return is_known ? found : Record{};
}

std::uint64_t PageSums::get(Pgno pgno) const {
  return record(pgno).sum;
}

Txid PageSums::stored_by(Pgno pgno) const {
  return record(pgno).stored_by;
}

void PageSums::set(Pgno pgno, std::uint64_t sum, Txid stored_by) {
  WW_CHECK(pgno.value > 0 && pgno.value <= pages());
  const auto bytes = file_.bytes().subspan(offset_of(pgno), kRecordBytes);
  const bool has_room = sum != 0 && stored_by.value <= kTxidMask;
  store_le64(bytes, has_room ? sum : 0);
  const std::uint64_t check = record_check(pgno, sum, stored_by);
  store_le64(bytes.subspan(8), has_room ? check << kTxidBits | stored_by.value : 0);
}

PageSet PageSums::stored_after(Txid txid) const {
  PageSet pages;
  for (std::uint32_t value = 1; value <= this->pages(); ++value) {
    const Txid by = stored_by(Pgno{value});
    if (by > txid || by == Txid{0}) pages.add(Pgno{value});
  }
  return pages;
}

std::uint32_t PageSums::pages() const {
  if (!has_header_) return 0;
  return static_cast<std::uint32_t>((file_.bytes().size() - kSumsHeaderBytes) / kRecordBytes);
}

Result<void> PageSums::resize(std::uint32_t pages) {
  // A page file without a header has no records either.
  const bool is_new = !has_header_ || pages == 0;
  if (is_new) has_header_ = false;
  if (is_new) TRY(file_.resize(0));
  auto resized = file_.resize(kSumsHeaderBytes + Bytes{pages} * kRecordBytes);
  // On a full disk the file may be empty afterwards: then no page is known.
  if (!resized) has_header_ = !std::as_const(file_).bytes().empty();
  if (resized && is_new) write_header({}, {});
  return resized;
}

void PageSums::write_header(RandomId lineage, Txid as_of) {
  const auto header = file_.bytes().first(kSumsHeaderBytes);
  std::fill(header.begin(), header.end(), std::byte{0});
  store_le64(header, kPagesMagic);
  store_le64(header.subspan(8), lineage.value);
  store_le64(header.subspan(16), as_of.value);
  store_le64(header.subspan(kHeaderSumAt), header_sum(header));
  has_header_ = true;
}

Result<void> PageSums::copy_from(const PageSums& other) {
  TRY(resize(0));
  TRY(resize(other.pages()));
  const ByteSpan from = other.file_.bytes();
  std::copy(from.begin() + kSumsHeaderBytes,
            from.begin() + static_cast<std::ptrdiff_t>(offset_of(Pgno{pages() + 1})),
            file_.bytes().begin() + kSumsHeaderBytes);
  return {};
}

Result<void> PageSums::sync(RandomId lineage, Txid txid) {
  if (!has_header_) TRY(resize(0));
  TRY(file_.sync());
  write_header(lineage, txid);
  return file_.sync();
}

}  // namespace walwrap::replication
