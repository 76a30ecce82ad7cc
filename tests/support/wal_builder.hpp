// Builds the bytes of a write-ahead log as SQLite would: frames appended, and a restart that
// overwrites from the beginning and leaves the old tail in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "walwrap/wal/format.hpp"

namespace walwrap::testing {

class WalBuilder {
 public:
  WalBuilder(PageSize page_size, wal::WordOrder order, wal::Salts salts = {0x11223344, 0x99aabbcc})
      : order_(order), page_size_(page_size), salts_(salts) {
    write_header();
  }

  // A frame after the last one; `commit` is the database size if it ends a transaction, else 0.
  WalBuilder& frame(Pgno pgno, ByteSpan page, std::uint32_t commit = 0) {
    wal::FrameHeader header{pgno, commit, salts_, {}};
    const auto plain = wal::format_frame_header(header);
    sum_ = wal::checksum(order_, sum_, ByteSpan(plain).first(8));
    sum_ = wal::checksum(order_, sum_, page);
    header.checksum = sum_;
    write(wal::format_frame_header(header));
    write(page);
    return *this;
  }
  // The same with a page of equal bytes.
  WalBuilder& frame(Pgno pgno, std::uint8_t fill, std::uint32_t commit = 0) {
    return frame(pgno, ByteVector(page_size_.value, std::byte{fill}), commit);
  }

  // As SQLite restarts a log that is wholly checkpointed: first salt + 1, second salt new.
  WalBuilder& restart(std::uint32_t second_salt) {
    salts_ = {salts_.first + 1, second_salt};
    ++sequence_;
    write_header();
    return *this;
  }

  const ByteVector& bytes() const { return bytes_; }
  wal::Salts salts() const { return salts_; }
  wal::Checksum checksum() const { return sum_; }

 private:
  void write_header() {
    end_ = 0;
    wal::Header header{order_, page_size_, sequence_, salts_, {}};
    const auto plain = wal::format_header(header);
    sum_ = wal::checksum(order_, {}, ByteSpan(plain).first(24));
    header.checksum = sum_;
    write(wal::format_header(header));
  }
  void write(ByteSpan bytes) {
    if (bytes_.size() < end_ + bytes.size()) bytes_.resize(end_ + bytes.size());
    std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(end_));
    end_ += bytes.size();
  }

  wal::WordOrder order_;
  PageSize page_size_;
  wal::Salts salts_;
  std::uint32_t sequence_ = 0;
  wal::Checksum sum_;
  std::size_t end_ = 0;
  ByteVector bytes_;
};

}  // namespace walwrap::testing
