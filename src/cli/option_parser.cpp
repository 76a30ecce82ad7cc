#include "walwrap/cli/option_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "walwrap/config/quote.hpp"
#include "walwrap/config/settings.hpp"

namespace walwrap::cli {

using config::FlagValue;

bool is_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-';
}

std::string_view flag_of(std::string_view word) {
  return word.substr(0, word.find('='));
}

Result<FlagValue> take_option(std::span<const std::string> words, std::size_t& at,
                              std::string_view flag, Takes takes) {
  const std::string& word = words[at++];
  FlagValue option{std::string(flag), ""};
  if (word.size() > flag.size()) {  // --flag=value
    option.value = word.substr(flag.size() + 1);
  } else if (takes == Takes::Value) {
    if (at >= words.size() || words[at].substr(0, 2) == "--") {
      return fail(Code::Invalid, "{} needs a value: {} VALUE or {}=VALUE", flag, flag, flag);
    }
    option.value = words[at++];
  } else {
    return option;
  }
  if (option.value.empty()) return fail(Code::Invalid, "{} needs a value that is not empty", flag);
  return option;
}

Result<FlagValue> take_row(std::span<const std::string> words, std::size_t& at,
                           std::span<const OptionRow> rows, std::string_view command) {
  const auto flag = flag_of(words[at]);
  const auto known = std::find_if(rows.begin(), rows.end(),
                                  [&](const OptionRow& row) { return row.flag == flag; });
  if (known == rows.end()) {
    std::vector<std::string_view> flags;
    flags.reserve(rows.size());
    for (const OptionRow& row : rows) flags.push_back(row.flag);
    const auto near = config::nearest(flag, flags);
    return fail(Code::Invalid, "{}: unknown argument {}{}", command, config::quote_value(words[at]),
                near ? fmt::format("; did you mean {}?", *near)
                     : fmt::format("; `walwrap help {}` lists its options", command));
  }
  const auto takes = known->argument.empty() ? Takes::Nothing : Takes::Value;
  auto option = TRY(take_option(words, at, flag, takes));
  if (takes == Takes::Nothing && !option.value.empty()) {
    return fail(Code::Invalid, "{}: {} is not allowed: the option takes no value", flag,
                config::quote_value(option.value));
  }
  return option;
}

std::string format_rows(std::span<const OptionRow> rows) {
  std::string out;
  for (const OptionRow& row : rows) {
    const auto usage =
        row.argument.empty() ? std::string(row.flag) : fmt::format("{} {}", row.flag, row.argument);
    out += fmt::format("  {:<31}{}\n", usage, row.help);
  }
  return out;
}

}  // namespace walwrap::cli
