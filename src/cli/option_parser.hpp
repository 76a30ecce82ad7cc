// Options as words of a command line: "--flag value", "--flag=value", "--switch". Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/config/config.hpp"

namespace walwrap::cli {

// One option of a command that is not `run`.
struct OptionRow {
  std::string_view flag;
  std::string_view argument;  // "": a switch
  std::string_view help;
};

bool is_option(std::string_view word);            // starts with '-', and is not "-" alone
std::string_view flag_of(std::string_view word);  // "--flag" of "--flag=value"

enum class Takes { Nothing, Value };
// Reads the option at words[at] and moves `at` past it.
Result<config::FlagValue> take_option(std::span<const std::string> words, std::size_t& at,
                                      std::string_view flag, Takes takes);
// The same with the table of a command's options. Invalid: no option has this name, with the
// nearest one; or a switch with a value.
Result<config::FlagValue> take_row(std::span<const std::string> words, std::size_t& at,
                                   std::span<const OptionRow> rows, std::string_view command);

std::string format_rows(std::span<const OptionRow> rows);  // for --help

}  // namespace walwrap::cli
