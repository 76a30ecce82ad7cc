// The words of `walwrap status`, `wait`, `flush` and `snapshot`: requests to a running walwrap.
// Pure.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "walwrap/base/result.hpp"

namespace walwrap::cli {

enum class Question { Status, Wait, Flush, Snapshot };

struct AskArguments {
  Question question = Question::Status;
  std::string socket;    // "": from the environment or the configuration
  std::string database;  // "": the only database
  bool json = false;
  bool check = false;    // Status: 1 if it is not healthy
  bool watch = false;    // Status: repeat each second
  std::string position;  // Wait; "": all current commits
  std::chrono::milliseconds timeout{30'000};
};

std::optional<Question> parse_question(std::string_view command);
std::string_view format_question(Question question);  // the command's name
Result<AskArguments> parse_ask(Question question, std::span<const std::string> words);
std::string format_ask_help(Question question);

}  // namespace walwrap::cli
