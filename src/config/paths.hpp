// What a configured path, database or replica means, and which values are refused.
// Pure: text in, text out.
//
// A value that cannot be right is refused before the app starts. Taken literally, it would name a
// file that the app never opens, and nothing would be stored, without a word.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/config/problem.hpp"

namespace walwrap::config {

// What a shell, a file of variables or a template has left in the value: quotes, blanks at an end,
// control characters, ~, $VAR, {{ }}. Of any path or URL. The text goes after the value, as in
// "has a blank at its end; remove it". nullopt: none of these.
Problem find_leftover(std::string_view text);

// Of a path of a file: find_leftover, and patterns.
Problem check_path(std::string_view text);

// The path that is meant by "/data/app.db", "app.db", "file:/data/app.db?mode=rwc",
// "sqlite:///data/app.db", "sqlite:////data/app.db", "sqlite3:app.db". Errors: Invalid; the text
// goes after the value.
Result<std::string> parse_database_path(std::string_view text);

// Of a replica's URL or directory.
Problem check_replica(std::string_view text);

}  // namespace walwrap::config
