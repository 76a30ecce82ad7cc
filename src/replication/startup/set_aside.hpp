// Makes room without deleting: a database and what belongs to it get another name.
#pragma once

#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {

// "/data/app.db", "replaced" -> "/data/app.db.walwrap-replaced-20260101T000001Z".
os::Path aside_name(const os::Path& database, std::string_view reason, WallTime now);

// Renames the database and its -wal, -shm and -journal, whichever are there, so that they still
// belong together. A -wal that is left without its database would corrupt one put in its place.
Result<void> set_database_aside(const os::Path& database, std::string_view reason, WallTime now,
                                const Log& log);

}  // namespace walwrap::replication
