// What is known of each page: its hash in the stored state, and the last TXID of the file that
// stored it. Memory-mapped; owned by one thread.
//
// A record that cannot be trusted counts as "not known". That applies to a record with a wrong
// check value, with TXID 0 or a TXID newer than anything stored, and to every record of a file that
// is older than the state or of another history. The caller then compares the page or stores it
// once more.
//
// A header of 64 bytes: "wwpages2", lineage, as-of TXID, zeros, and the XXH3 of all that. Every
// record is as of at least the as-of TXID. Then 16 bytes for each page, page 1 first: the hash, and
// a number with the TXID (48 bits) below a check of page number, hash and TXID (16 bits). Integers
// are 8 bytes, little-endian. All zero: not known.
#pragma once

#include <cstdint>

#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/mapped_file.hpp"

namespace walwrap::replication {

// Never 0.
std::uint64_t page_sum(ByteSpan page);

// The check of a record. Changing any one bit changes the check: no 16 bits in a row of the factors
// are equal, so each added bit reaches the 16 bits that are kept.
std::uint16_t record_check(Pgno pgno, std::uint64_t sum, Txid stored_by);

class PageSums {
 public:
  static constexpr Bytes kHeaderBytes = 64;
  static constexpr Bytes kRecordBytes = 16;
  static constexpr Bytes kMostBytes = kHeaderBytes + Bytes{~0U} * kRecordBytes;

  // A file that is empty, or not of this format, has no pages.
  explicit PageSums(os::MappedFile file);
  // False: a file exists that does not have this format or has a damaged header.
  bool is_readable() const { return is_readable_; }
  // Every record is of this history, and as of this TXID or later.
  bool are_of(RandomId lineage, Txid at_least) const;
  // Nothing newer is stored: a record with a newer TXID is not known. Without this call, every
  // record is used.
  void believe_until(Txid newest) { newest_ = newest; }

  std::uint64_t get(Pgno pgno) const;  // 0: not known
  Txid stored_by(Pgno pgno) const;     // possibly a later file than the one that changed the page
  // Several threads may set records at once, for different pages.
  void set(Pgno pgno, std::uint64_t sum, Txid stored_by);
  // Every page that may have changed since this TXID, and every page that is not known.
  PageSet stored_after(Txid txid) const;
  std::uint32_t pages() const;
  Result<void> resize(std::uint32_t pages);  // to 0: removes all
  Result<void> copy_from(const PageSums& other);
  // Makes the records durable first, then the as-of TXID. Call it before saving that state.
  Result<void> sync(RandomId lineage, Txid txid);

 private:
  struct Record {
    std::uint64_t sum = 0;
    Txid stored_by;
  };
  Record record(Pgno pgno) const;
  void write_header(RandomId lineage, Txid as_of);

  os::MappedFile file_;
  bool is_readable_ = true;
  bool has_header_ = false;
  Txid newest_{~0ULL};
};

}  // namespace walwrap::replication
