#include "walwrap/cli/args.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "walwrap/cli/help.hpp"
#include "walwrap/cli/option_parser.hpp"
#include "walwrap/config/paths.hpp"
#include "walwrap/config/quote.hpp"
#include "walwrap/config/settings.hpp"

namespace walwrap::cli {
namespace {

using config::FlagValue;

constexpr std::array<std::string_view, 10> kCommands = {"run",  "run-beside", "restore",  "status",
                                                        "wait", "flush",      "snapshot", "doctor",
                                                        "help", "version"};
// Commands of later versions: a script that uses one must not run a program of that name today.
constexpr std::array<std::string_view, 2> kReserved = {"ls", "verify"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Failure not_a_command(std::string_view word) {
  return fail(Code::Invalid,
              "unknown command \"{}\": `walwrap help` lists the commands; to run a program of that "
              "name write: walwrap -- {}",
              word, word);
}

// Reads the setting at words[at] and moves `at` past it.
Result<FlagValue> take_setting(std::span<const std::string> words, std::size_t& at) {
  const auto flag = flag_of(words[at]);
  if (flag == "-v" || flag == "--verbose") {
    ++at;
    return FlagValue{"--log-level", "debug"};
  }
  if (flag == "-q" || flag == "--quiet") {
    ++at;
    return FlagValue{"--log-level", "warn"};
  }
  const auto* setting = config::find_flag(flag);
  if (setting == nullptr) return fail(Code::Invalid, "{}", config::describe_unknown_flag(flag));
  const auto takes = setting->kind == config::Kind::Switch ? Takes::Nothing : Takes::Value;
  return take_option(words, at, flag, takes);
}

enum class Beside { No, Yes };

Result<Arguments> parse_run(std::span<const std::string> words, Beside beside = Beside::No) {
  RunArguments run;
  run.beside = beside == Beside::Yes;
  std::size_t at = 0;
  while (at < words.size() && is_option(words[at]) && words[at] != "--") {
    const auto flag = flag_of(words[at]);
    if (flag == "-h" || flag == "--help") {
      return Arguments(HelpArguments{run.beside ? "run-beside" : ""});
    }
    if (flag == "--version") return Arguments(VersionArguments{});
    auto setting = TRY(take_setting(words, at));
    run.flags.push_back(std::move(setting));
  }
  if (at < words.size() && words[at] == "--") {
    ++at;
  } else if (at > 0 && at < words.size() &&
             (contains(kCommands, words[at]) || contains(kReserved, words[at]))) {
    return fail(Code::Invalid,
                "\"{}\" after options; write a walwrap command first; to run a program of that "
                "name write -- before it",
                words[at]);
  }
  if (at >= words.size()) {
    return fail(Code::Invalid, "no command to run: walwrap [options] -- command [args...]");
  }
  run.command.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  return Arguments(std::move(run));
}

Result<void> apply_restore_option(const FlagValue& option, RestoreArguments& out) {
  const auto bad = [&](std::string_view problem) {
    return fail(Code::Invalid, "{}: {} {}", option.flag, config::quote_value(option.value),
                problem);
  };
  if (option.flag == "--replica") {
    if (const auto problem = config::check_replica(option.value)) return bad(*problem);
    out.replica = option.value;
  }
  if (option.flag == "--output") {
    auto path = config::parse_database_path(option.value);
    if (!path) return bad(path.error().text);
    out.output = *std::move(path);
  }
  if (option.flag == "--ca-file") out.ca_file = option.value;
  if (option.flag == "--quiet") out.quiet = true;
  if (option.flag == "--if-absent" || option.flag == "--force") {
    const auto wanted = option.flag == "--force" ? IfPresent::SetAside : IfPresent::Keep;
    if (out.if_present != IfPresent::Refuse && out.if_present != wanted) {
      return fail(Code::Invalid, "--if-absent and --force exclude each other");
    }
    out.if_present = wanted;
  }
  if (option.flag == "--txid") {
    const auto txid = parse_hex16(option.value);
    if (!txid || *txid == 0) return bad("is not a TXID; write its 16 hex digits");
    out.txid = Txid{*txid};
  }
  if (option.flag == "--timestamp") {
    out.timestamp = parse_timestamp_arg(option.value);
    if (!out.timestamp) {
      return bad("is not a time; write one like 2026-01-31T12:00:00Z or \"10 minutes ago\"");
    }
  }
  if (option.flag == "--integrity") {
    const auto* setting = config::find_flag("--integrity");
    config::Config scratch;
    if (const auto problem = setting->apply(scratch, *setting, option.value)) return bad(*problem);
    out.integrity = scratch.integrity;
  }
  return {};
}

Result<Arguments> parse_restore(std::span<const std::string> words) {
  RestoreArguments restore;
  std::size_t at = 0;
  while (at < words.size()) {
    const auto flag = flag_of(words[at]);
    if (flag == "-h" || flag == "--help") return Arguments(HelpArguments{"restore"});
    const auto option = TRY(take_row(words, at, kRestoreOptions, "restore"));
    TRY(apply_restore_option(option, restore));
  }
  if (restore.replica.empty()) return fail(Code::Invalid, "restore needs --replica URL");
  if (restore.output.empty()) return fail(Code::Invalid, "restore needs --output FILE");
  if (restore.txid && restore.timestamp) {
    return fail(Code::Invalid, "--txid and --timestamp exclude each other");
  }
  return Arguments(std::move(restore));
}

Result<Arguments> parse_doctor(std::span<const std::string> words) {
  DoctorArguments doctor;
  std::size_t at = 0;
  while (at < words.size()) {
    if (words[at] == "-h" || words[at] == "--help") return Arguments(HelpArguments{"doctor"});
    if (!is_option(words[at]) || words[at] == "--") {
      return fail(Code::Invalid, "doctor takes options alone, not {}: it runs no app",
                  config::quote_value(words[at]));
    }
    if (words[at] == "--json") {
      doctor.json = true;
      ++at;
      continue;
    }
    auto setting = TRY(take_setting(words, at));
    doctor.flags.push_back(std::move(setting));
  }
  return Arguments(std::move(doctor));
}

Result<Arguments> parse_asking(Question question, std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word == "-h" || word == "--help") {
      return Arguments(HelpArguments{std::string(format_question(question))});
    }
  }
  auto ask = TRY(parse_ask(question, words));
  return Arguments(std::move(ask));
}

Result<Arguments> parse_help(std::span<const std::string> words) {
  if (words.size() > 1) return fail(Code::Invalid, "help takes at most one command");
  HelpArguments help{words.empty() ? "" : words.front()};
  if (is_option(help.topic)) help.topic.clear();
  if (!help.topic.empty() && !contains(kCommands, help.topic)) return not_a_command(help.topic);
  return Arguments(std::move(help));
}

Result<Arguments> parse_version(std::span<const std::string> words) {
  if (!words.empty()) return fail(Code::Invalid, "version takes no arguments");
  return Arguments(VersionArguments{});
}

Arguments or_usage_error(Result<Arguments> parsed, int exit_code) {
  if (!parsed) return UsageError{parsed.error().text, exit_code};
  return *std::move(parsed);
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words) {
  const std::string first = words.empty() ? "" : words.front();
  const auto rest = words.empty() ? std::span<const std::string>()
                                  : std::span<const std::string>(words).subspan(1);
  if (first == "restore") return or_usage_error(parse_restore(rest), kExitUsage);
  if (const auto question = parse_question(first)) {
    return or_usage_error(parse_asking(*question, rest), kExitUsage);
  }
  if (first == "doctor") return or_usage_error(parse_doctor(rest), kExitUsage);
  if (first == "help") return or_usage_error(parse_help(rest), kExitUsage);
  if (first == "version") return or_usage_error(parse_version(rest), kExitUsage);
  if (contains(kReserved, first)) return or_usage_error(not_a_command(first), kExitUsage);
  if (first == "run") return or_usage_error(parse_run(rest), kExitConfiguration);
  if (first == "run-beside") {
    return or_usage_error(parse_run(rest, Beside::Yes), kExitConfiguration);
  }
  return or_usage_error(parse_run(words), kExitConfiguration);
}

}  // namespace walwrap::cli
