#include "walwrap/cli/ask_args.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/cli/option_parser.hpp"
#include "walwrap/config/paths.hpp"
#include "walwrap/config/quote.hpp"

namespace walwrap::cli {
namespace {

struct Command {
  Question question;
  std::string_view name;
  std::string_view purpose;
  std::string_view exit_codes;
};
constexpr std::array kQuestions = {
    Command{Question::Status, "status", "Shows what a running walwrap has stored, and its lag.",
            "0 answered; 1 with --check: unhealthy"},
    Command{Question::Wait, "wait",
            "Waits until everything committed so far is stored, at the usual pace.",
            "0 stored; 1 not stored in time, or the result is unknown"},
    Command{Question::Flush, "flush",
            "Stores everything committed so far at once, and waits for it.",
            "0 stored; 1 not stored in time, or the result is unknown"},
    Command{Question::Snapshot, "snapshot",
            "Stores the whole database as one file, so that a restore starts from it.",
            "0 stored; 1 not stored, or not in time"},
};

struct Row {
  OptionRow option;
  std::string_view of;  // commands that have it; "": all
};
constexpr std::array kRows = {
    Row{{"--socket", "FILE", "socket of the running walwrap [WALWRAP_SOCKET]"}, ""},
    Row{{"--db", "FILE", "the database, if walwrap replicates several"}, ""},
    Row{{"--json", "", "answer as JSON"}, ""},
    Row{{"--check", "", "if healthy, print nothing; otherwise exit with 1"}, "status"},
    Row{{"--watch", "", "repeat every second, until Ctrl-C"}, "status"},
    Row{{"--position", "POSITION", "the position to wait for, from an earlier answer"}, "wait"},
    Row{{"--timeout", "DURATION", "how long to wait (default 30s)"}, "wait flush snapshot"},
};

const Command& command_of(Question question) {
  return *std::find_if(kQuestions.begin(), kQuestions.end(),
                       [&](const Command& row) { return row.question == question; });
}

std::vector<OptionRow> rows_of(Question question) {
  std::vector<OptionRow> rows;
  for (const Row& row : kRows) {
    if (row.of.empty() || row.of.find(command_of(question).name) != std::string_view::npos) {
      rows.push_back(row.option);
    }
  }
  return rows;
}

}  // namespace

std::optional<Question> parse_question(std::string_view command) {
  for (const Command& row : kQuestions) {
    if (row.name == command) return row.question;
  }
  return std::nullopt;
}

std::string_view format_question(Question question) {
  return command_of(question).name;
}

Result<AskArguments> parse_ask(Question question, std::span<const std::string> words) {
  AskArguments ask;
  ask.question = question;
  const auto rows = rows_of(question);
  for (std::size_t at = 0; at < words.size();) {
    const auto option = TRY(take_row(words, at, rows, format_question(question)));
    if (option.flag == "--socket") ask.socket = option.value;
    if (option.flag == "--db") {
      auto path = config::parse_database_path(option.value);
      if (!path) {
        return fail(Code::Invalid, "--db: {} {}", config::quote_value(option.value),
                    path.error().text);
      }
      ask.database = *std::move(path);
    }
    if (option.flag == "--json") ask.json = true;
    if (option.flag == "--check") ask.check = true;
    if (option.flag == "--watch") ask.watch = true;
    if (option.flag == "--position") ask.position = option.value;
    if (option.flag != "--timeout") continue;
    const auto timeout = parse_duration(option.value);
    if (!timeout) {
      return fail(Code::Invalid, "--timeout: {} is not a duration; write one like 30s",
                  config::quote_value(option.value));
    }
    ask.timeout = *timeout;
  }
  if (ask.check && (ask.watch || ask.json)) {
    return fail(Code::Invalid, "--check answers with its exit code; omit --watch and --json");
  }
  return ask;
}

std::string format_ask_help(Question question) {
  const Command& command = command_of(question);
  return fmt::format(
      "usage: walwrap {} [options]\n\n{}\n\noptions\n{}\nexit codes: {}; 2 usage;\n"
      "  3 no answer: walwrap does not run here, or runs as another user\n",
      command.name, command.purpose, format_rows(rows_of(question)), command.exit_codes);
}

}  // namespace walwrap::cli
