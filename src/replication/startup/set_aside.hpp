// Sets files aside without deleting them: a database and its files get another name.
#pragma once

#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

// "/data/app.db", "replaced" -> "/data/app.db.walwrap-replaced-20260101T000001Z".
os::Path aside_name(const os::Path& database, std::string_view reason, WallTime now);

// Renames the database and its -wal, -shm and -journal, if they exist, so that they still belong
// together. A -wal without its database would corrupt a database that is put there later.
Result<void> set_database_aside(const os::Path& database, std::string_view reason, WallTime now,
                                const Log& log);

}  // namespace walwrap::replication
