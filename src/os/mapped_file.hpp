// A file mapped shared and writable, grown as needed; what is written to it survives this process,
// and the machine after sync(). Page-size aligned internally; `bytes()` is exactly size().
#pragma once

#include <cstddef>
#include <cstdint>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

class MappedFile {
 public:
  // Opens or creates; keeps the content that is there.
  static Result<MappedFile> open(const Path& path, Bytes size, std::uint32_t mode = 0600);
  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  ~MappedFile();

  MutableByteSpan bytes() { return {data_, size_}; }
  ByteSpan bytes() const { return {data_, size_}; }
  // New bytes are zero. Invalidates earlier spans. After an error bytes() is as it was, or empty if
  // the size was to be smaller.
  Result<void> resize(Bytes size);
  Result<void> sync();

 private:
  MappedFile() = default;
  void unmap();
  Fd fd_;
  Path path_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace walwrap::os
