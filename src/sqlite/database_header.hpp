// Reads the first bytes of a database file by path.
//
// Only while this process has no connection to the database: closing the file would drop its locks
// (Law 1). Source: sqlite.org/fileformat2.html, "The Database Header".
#pragma once

#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::sqlite {

// nullopt: there is no file, or it does not begin like a database.
std::optional<PageSize> page_size_of(const os::Path& database);

}  // namespace walwrap::sqlite
