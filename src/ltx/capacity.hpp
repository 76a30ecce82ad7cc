// How many pages a file can hold, whatever it says. Pure.
#pragma once

#include <cstdint>

#include "walwrap/base/types.hpp"

namespace walwrap::ltx {

// A bound that no file of so many bytes exceeds: LZ4 makes at most 255 bytes of one.
std::uint64_t most_pages_in(Bytes file_bytes, PageSize size);

}  // namespace walwrap::ltx
