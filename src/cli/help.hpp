// What `walwrap --help` and `walwrap help COMMAND` print. Pure.
//
// The first screen fits into 24 lines and has what most people need. The others have the rest.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "walwrap/cli/option_parser.hpp"

namespace walwrap::cli {

inline constexpr std::array kRestoreOptions = {
    OptionRow{"--replica", "URL", "the replica: s3://bucket/prefix or file:///dir"},
    OptionRow{"--output", "FILE", "where to write the database; the file must not exist"},
    OptionRow{"--txid", "HEX16", "restore the state of this TXID"},
    OptionRow{"--timestamp", "TIME",
              "the last state before 2026-01-31T12:00:00Z, or \"10 minutes ago\""},
    OptionRow{"--if-absent", "", "if FILE exists, leave it unchanged and exit with 0"},
    OptionRow{"--force", "", "if FILE exists, set it aside under another name"},
    OptionRow{"--integrity", "quick|full|none",
              "SQLite's check before FILE appears (default quick)"},
    OptionRow{"--quiet", "", "print errors only"},
    OptionRow{"--ca-file", "FILE", "PEM file of CA certificates [WALWRAP_CA_FILE]"},
};

// "": the first screen. Empty for a topic that is not a command.
std::string format_help(std::string_view topic);

}  // namespace walwrap::cli
