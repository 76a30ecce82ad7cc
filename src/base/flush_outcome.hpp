// The result of a flush, the last upload before the end.
#pragma once

#include <cstdint>

namespace walwrap {

// From good to bad. Nothing: there is no database, so nothing was to be stored.
enum class FlushOutcome : std::uint8_t { Ok, Nothing, Partial, Failed };

}  // namespace walwrap
