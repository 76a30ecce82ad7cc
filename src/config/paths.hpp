// The meaning of a configured path, database or replica, and which values are refused. Pure: text
// in, text out.
//
// A value that must be wrong is refused before the app starts. Taken literally, it would name a
// file that the app never opens, and nothing would be stored without any error.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/config/problem.hpp"

namespace walwrap::config {

// What a shell, an environment file or a template has left in the value: quotes, outer blanks,
// control characters, ~, $VAR, {{ }}. For any path or URL. The text is appended to the value, as in
// "has a blank at its end; remove it". nullopt: nothing was found.
Problem find_leftover(std::string_view text);

// For a path of a file: find_leftover, and patterns.
Problem check_path(std::string_view text);

// The path in "/data/app.db", "app.db", "file:/data/app.db?mode=rwc", "sqlite:///data/app.db",
// "sqlite:////data/app.db", "sqlite3:app.db". Errors: Invalid; the text is appended to the value.
Result<std::string> parse_database_path(std::string_view text);

// For a replica's URL or directory.
Problem check_replica(std::string_view text);

}  // namespace walwrap::config
