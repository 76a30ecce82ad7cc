#include "walwrap/config/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <limits>
#include <vector>

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/signal_name.hpp"
#include "walwrap/base/text.hpp"
#include "walwrap/config/paths.hpp"
#include "walwrap/config/quote.hpp"

namespace walwrap::config {
namespace {

using std::chrono::milliseconds;

// A week: a longer wait is a typing error, and every wait has a limit (Law 5).
constexpr milliseconds kLongestDuration = std::chrono::hours(168);
// Below this size each small transaction would meet a blocking checkpoint. Above it, restoring a
// WAL takes minutes.
constexpr Bytes kSmallestHardLimit = 1ULL << 20;
constexpr Bytes kLargestHardLimit = 1ULL << 40;

constexpr int kLastExitCode = 255;

// From 0 to `most`.
std::optional<int> parse_up_to(int most, std::string_view text) {
  const auto value = parse_decimal<int>(text);
  return value && *value >= 0 && *value <= most ? value : std::nullopt;
}

template <auto Member>
Problem duration(Config& config, const Setting& /*setting*/, std::string_view text) {
  const auto value = parse_duration(text);
  if (!value) return "is not a duration; write one like 30s, 250ms, 1m30s or 0";
  if (*value > kLongestDuration) return "is longer than a week";
  config.*Member = *value;
  return std::nullopt;
}

template <auto Member>
Problem size(Config& config, const Setting& /*setting*/, std::string_view text) {
  const auto value = parse_size(text);
  if (!value) return "is not a size; write one like 64MiB, 512k or 4096";
  if (*value < kSmallestHardLimit || *value > kLargestHardLimit) {
    return "is outside 1MiB to 1TiB";
  }
  config.*Member = *value;
  return std::nullopt;
}

template <auto Member>
Problem exit_code(Config& config, const Setting& /*setting*/, std::string_view text) {
  const auto value = parse_up_to(kLastExitCode, text);
  if (!value) return "is not an exit code; write a number from 0 to 255";
  config.*Member = *value;
  return std::nullopt;
}

template <auto Member>
Problem oom_score(Config& config, const Setting& /*setting*/, std::string_view text) {
  constexpr int kMost = 1'000;  // of the kernel's scale
  const auto value = parse_up_to(kMost, text.starts_with('+') ? text.substr(1) : text);
  if (!value) {
    return "is not between 0 and 1000; write a number such as 500, or 0 to leave it unchanged";
  }
  config.*Member = *value;
  return std::nullopt;
}

template <auto Member>
Problem exit_codes(Config& config, const Setting& /*setting*/, std::string_view text) {
  std::vector<int> codes;
  for (const std::string_view word : split(text, ',')) {
    const auto code = parse_up_to(kLastExitCode, word);
    if (!code) {
      return "is not a list of exit codes; write numbers from 0 to 255, such as 143,130";
    }
    codes.push_back(*code);
  }
  config.*Member = std::move(codes);
  return std::nullopt;
}

// Of the signals that reach walwrap and are not about it.
std::optional<int> parse_received_signal(std::string_view text) {
  constexpr std::array kNeverOurs = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE};
  const auto number = parse_signal(text);
  if (!number) return std::nullopt;
  const auto is_among = [&](const auto& signals) {
    return std::find(signals.begin(), signals.end(), *number) != signals.end();
  };
  return is_among(kNeverOurs) || is_among(kFaultSignals) ? std::nullopt : number;
}

template <auto Member>
Problem signals(Config& config, const Setting& /*setting*/, std::string_view text) {
  std::vector<int> numbers;
  for (const std::string_view word : split(text, ',')) {
    const auto number = parse_received_signal(word);
    if (!number) {
      return fmt::format(
          "contains {}, which is not a signal that can begin a stop; write TERM,INT or TERM,QUIT",
          quote_value(word));
    }
    numbers.push_back(*number);
  }
  config.*Member = std::move(numbers);
  return std::nullopt;
}

template <auto Member>
Problem rewriting(Config& config, const Setting& /*setting*/, std::string_view text) {
  std::map<int, int> pairs;
  for (const std::string_view word : split(text, ',')) {
    const auto colon = std::min(word.find(':'), word.size());
    const auto from = parse_received_signal(word.substr(0, colon));
    const auto behind = word.substr(std::min(colon + 1, word.size()));
    const auto to = behind == "0" ? 0 : parse_signal(behind);
    if (!from || !to) {
      return fmt::format(
          "contains {}, which is not FROM:TO; write signals such as TERM:QUIT or 15:3; TO 0 sends "
          "none",
          quote_value(word));
    }
    pairs.insert_or_assign(*from, *to);
  }
  config.*Member = std::move(pairs);
  return std::nullopt;
}

template <auto Member>
Problem on_or_off(Config& config, const Setting& /*setting*/, std::string_view text) {
  if (text.empty() || text == "true" || text == "1" || text == "yes" || text == "on") {
    config.*Member = true;
    return std::nullopt;
  }
  if (text == "false" || text == "0" || text == "no" || text == "off") {
    config.*Member = false;
    return std::nullopt;
  }
  return "is neither true nor false";
}

template <auto Member>
Problem choice(Config& config, const Setting& setting, std::string_view text) {
  using Enum = std::remove_reference_t<decltype(config.*Member)>;
  const auto words = split(setting.choices, '|');
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) {
    const auto near = nearest(text, words);
    return fmt::format("is not one of {}{}", setting.choices,
                       near ? fmt::format("; did you mean {}?", *near) : "");
  }
  config.*Member = static_cast<Enum>(found - words.begin());
  return std::nullopt;
}

template <auto Member>
Problem words(Config& config, const Setting& /*setting*/, std::string_view text) {
  config.*Member = std::string(text);
  return std::nullopt;
}

template <auto Member>
Problem file_path(Config& config, const Setting& /*setting*/, std::string_view text) {
  if (auto problem = check_path(text)) return problem;
  config.*Member = std::string(text);
  return std::nullopt;
}

template <auto Member>
Problem secret(Config& config, const Setting& /*setting*/, std::string_view text) {
  config.*Member = Secret(std::string(text));
  return std::nullopt;
}

template <auto Member>
Problem descriptor(Config& config, const Setting& /*setting*/, std::string_view text) {
  constexpr int kFirst = 3, kLast = 65'535;
  const auto value = parse_up_to(kLast, text);
  if (!value || *value < kFirst) return "is not a file descriptor; write its number, 3 or higher";
  config.*Member = *value;
  return std::nullopt;
}

constexpr std::array kSettings = {
    Setting{"db", "--db", "WALWRAP_DB", Kind::Text, "FILE", "", "",
            "the app's SQLite database; repeat --db FILE=URL for several"},
    Setting{"replica", "--replica", "WALWRAP_REPLICA", Kind::Text, "URL", "", "",
            "the replica: s3://bucket/prefix or file:///dir"},
    Setting{"", "--config", "WALWRAP_CONFIG", Kind::Text, "FILE", "", "",
            "read settings from this TOML file (default: /etc/walwrap.toml, if it exists)"},
    Setting{"replicate.interval", "--replicate-interval", "WALWRAP_REPLICATE_INTERVAL",
            Kind::Duration, "DURATION", "", "",
            "time between uploads (default: 100ms for file://, 1s for s3://)",
            duration<&Config::replicate_interval>},
    Setting{"integrity", "--integrity", "WALWRAP_INTEGRITY", Kind::Choice, "CHECK", "quick",
            "none|quick|full", "SQLite's check of a restored database before the app starts",
            choice<&Config::integrity>},
    Setting{"on-diverged", "--on-diverged", "WALWRAP_ON_DIVERGED", Kind::Choice, "WHAT", "refuse",
            "refuse|use-replica|use-local",
            "what to do when the database and the replica have different histories",
            choice<&Config::on_diverged>},
    Setting{"allow-empty-replica", "--allow-empty-replica", "WALWRAP_ALLOW_EMPTY_REPLICA",
            Kind::Switch, "", "false", "",
            "start even if the replica of a database stored before is empty",
            on_or_off<&Config::allow_empty_replica>},
    Setting{"wal.limit", "--wal-limit", "WALWRAP_WAL_LIMIT", Kind::Size, "SIZE", "64MiB", "",
            "WAL size past which walwrap may block writers briefly to restart the WAL",
            size<&Config::wal_limit>},
    Setting{"wal.blocking-checkpoints", "--blocking-checkpoints", "WALWRAP_BLOCKING_CHECKPOINTS",
            Kind::Choice, "WHEN", "auto", "auto|never",
            "whether walwrap may block writers at all to restart the WAL",
            choice<&Config::blocking_checkpoints>},
    Setting{"ca-file", "--ca-file", "WALWRAP_CA_FILE", Kind::Text, "FILE", "", "",
            "PEM file of CA certificates (default: AWS_CA_BUNDLE, SSL_CERT_FILE, or the system's)",
            file_path<&Config::ca_file>},
    Setting{"grace", "--grace", "WALWRAP_GRACE", Kind::Duration, "DURATION", "", "",
            "time from the stop signal to the platform's SIGKILL (default: by platform, or 10s)",
            duration<&Config::grace>},
    Setting{"app-grace", "--app-grace", "WALWRAP_APP_GRACE", Kind::Duration, "DURATION", "", "",
            "the app's part of the grace (default: what the final flush does not need)",
            duration<&Config::app_grace>},
    Setting{"start-timeout", "--start-timeout", "WALWRAP_START_TIMEOUT", Kind::Duration, "DURATION",
            "", "", "how long a start waits for the replica (default: by platform, or 5m)",
            duration<&Config::start_timeout>},
    Setting{"take-over", "--take-over", "WALWRAP_TAKE_OVER", Kind::Switch, "", "false", "",
            "take the database over from another walwrap, although it runs another command",
            on_or_off<&Config::take_over>},
    Setting{"handover-timeout", "--handover-timeout", "WALWRAP_HANDOVER_TIMEOUT", Kind::Duration,
            "DURATION", "35s", "", "how long to wait until another walwrap hands its database over",
            duration<&Config::handover_timeout>},
    Setting{"after-handover", "--after-handover", "WALWRAP_AFTER_HANDOVER", Kind::Choice, "WHAT",
            "standby", "standby|exit",
            "what to do once the database is handed over: wait for the stop signal, or exit",
            choice<&Config::after_handover>},
    Setting{"exit-flush-timeout", "--exit-flush-timeout", "WALWRAP_EXIT_FLUSH_TIMEOUT",
            Kind::Duration, "DURATION", "30s", "",
            "time for the final flush when the app exits by itself",
            duration<&Config::exit_flush_timeout>},
    Setting{"flush-failed-code", "--flush-failed-code", "WALWRAP_FLUSH_FAILED_CODE", Kind::Integer,
            "N", "74", "",
            "exit code if the app exited with 0 but not everything is stored; 0 turns it off",
            exit_code<&Config::flush_failed_code>},
    Setting{"ok-codes", "--ok-codes", "WALWRAP_OK_CODES", Kind::Text, "N,N", "", "",
            "exit codes of the app that count as 0 after a stop, such as 143,130",
            exit_codes<&Config::ok_codes>},
    Setting{"stop-signals", "--stop-signals", "WALWRAP_STOP_SIGNALS", Kind::Text, "SIG,SIG",
            "TERM,INT", "", "signals that begin a stop; all others only go to the app",
            signals<&Config::stop_signals>},
    Setting{"rewrite", "--rewrite", "WALWRAP_REWRITE", Kind::Text, "FROM:TO", "", "",
            "send the app another signal than the one received, such as TERM:QUIT,HUP:0",
            rewriting<&Config::rewrite>},
    Setting{"group", "--group", "WALWRAP_GROUP", Kind::Switch, "", "false", "",
            "signal the app's whole process group", on_or_off<&Config::signal_group>},
    Setting{"kill-app", "--kill-app", "WALWRAP_KILL_APP", Kind::Choice, "WHEN", "deadline",
            "deadline|never",
            "whether to kill an app that does not exit within its part of the grace",
            choice<&Config::kill_app>},
    Setting{"user", "--user", "WALWRAP_USER", Kind::Text, "USER", "", "",
            "run the app as this user: name, name:group or uid:gid (default: walwrap's user)",
            words<&Config::user>},
    Setting{"scrub-env", "--scrub-env", "WALWRAP_SCRUB_ENV", Kind::Switch, "", "false", "",
            "do not pass the store's credentials to the app", on_or_off<&Config::scrub_env>},
    Setting{"notify", "--notify", "WALWRAP_NOTIFY", Kind::Choice, "WHO", "walwrap",
            "walwrap|app|off", "who tells systemd (NOTIFY_SOCKET) that the app is ready",
            choice<&Config::notify>},
    Setting{"ready-file", "--ready-file", "WALWRAP_READY_FILE", Kind::Text, "FILE", "", "",
            "a file that exists, with the app's PID in it, while the app runs",
            file_path<&Config::ready_file>},
    Setting{"ready-fd", "--ready-fd", "WALWRAP_READY_FD", Kind::Integer, "N", "", "",
            "write a newline to this file descriptor when the app runs",
            descriptor<&Config::ready_fd>},
    Setting{"app-oom", "--app-oom", "WALWRAP_APP_OOM", Kind::Integer, "N", "500", "",
            "added to the app's oom_score_adj, so that the kernel kills it before walwrap",
            oom_score<&Config::app_oom>},
    Setting{"socket", "--socket", "WALWRAP_SOCKET", Kind::Text, "FILE", "", "",
            "Unix socket of the API (default: in the database's state directory)",
            file_path<&Config::socket>},
    Setting{"listen", "--listen", "WALWRAP_LISTEN", Kind::Text, "ADDRESS:PORT", "", "",
            "also serve the API and the dashboard over TCP, such as 127.0.0.1:9090",
            words<&Config::listen>},
    Setting{"listen-token", "--listen-token", "WALWRAP_LISTEN_TOKEN", Kind::Text, "TOKEN", "", "",
            "token that clients of --listen send as Authorization: Bearer TOKEN",
            secret<&Config::listen_token>},
    Setting{"health.max-lag", "--health-max-lag", "WALWRAP_HEALTH_MAX_LAG", Kind::Duration,
            "DURATION", "30s", "", "report unhealthy when a write is not stored after this time",
            duration<&Config::health_max_lag>},
    Setting{"log.format", "--log-format", "WALWRAP_LOG_FORMAT", Kind::Choice, "FORMAT", "logfmt",
            "logfmt|json", "format of walwrap's log lines on stderr", choice<&Config::log_format>},
    Setting{"log.level", "--log-level", "WALWRAP_LOG_LEVEL", Kind::Choice, "LEVEL", "info",
            "debug|info|warn|error", "lowest level to log", choice<&Config::log_level>},
};

struct Group {
  std::string_view title;
  std::string_view first;  // flag; the group ends where the next one begins
};
constexpr std::array<Group, 6> kGroups = {{
    {"database and replica", "--db"},
    {"replication", "--replicate-interval"},
    {"start and stop", "--grace"},
    {"the app: signals, user, readiness", "--stop-signals"},
    {"API and dashboard", "--socket"},
    {"log", "--log-format"},
}};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: insert, delete, replace, swap two neighbours.
  const auto width = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return cells[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) cell(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = a[i - 1] == b[j - 1] ? 0 : 1;
      cell(i, j) = std::min({cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cell(i, j) = std::min(cell(i, j), cell(i - 2, j - 2) + 1);
      }
    }
  }
  return cell(a.size(), b.size());
}

// "default 30s", or nothing if the help text itself says what the default depends on.
std::string default_of(const Setting& setting) {
  if (setting.kind == Kind::Switch || setting.default_text.empty()) return {};
  return fmt::format("default {}", setting.default_text);
}

std::string escape_bars(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::span<const Setting> settings() {
  return kSettings;
}

const Setting* find_flag(std::string_view flag) {
  const auto found = std::find_if(kSettings.begin(), kSettings.end(),
                                  [&](const Setting& row) { return row.flag == flag; });
  return found == kSettings.end() ? nullptr : &*found;
}

std::string describe_unknown_flag(std::string_view flag) {
  std::vector<std::string_view> known = {"--help", "--version", "--verbose", "--quiet"};
  for (const Setting& row : kSettings) known.push_back(row.flag);
  const auto near = nearest(flag, known);
  return fmt::format("unknown flag {}{}", flag,
                     near ? fmt::format("; did you mean {}?", *near)
                          : std::string("; `walwrap help` lists them all"));
}

std::optional<Bytes> parse_size(std::string_view text) {
  Bytes number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  const std::string unit = lower_case({end, text.data() + text.size()});
  if (unit.empty() || unit == "b") return number;
  constexpr std::string_view kLetters = "kmgt";
  const auto power = kLetters.find(unit.front());
  if (power == std::string_view::npos) return std::nullopt;
  const auto rest = std::string_view(unit).substr(1);
  if (!rest.empty() && rest != "b" && rest != "i" && rest != "ib") return std::nullopt;
  const Bytes step = rest == "b" ? 1000 : 1024;
  for (std::size_t i = 0; i <= power; ++i) {
    if (number > std::numeric_limits<Bytes>::max() / step) return std::nullopt;
    number *= step;
  }
  return number;
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 64;  // computing the distance takes the product of the lengths
  if (word.size() > kLongest) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_distance = word.size() / 4 + 2;  // near means below this
  for (const auto candidate : known) {
    const auto distance = edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string format_settings_help() {
  std::string out;
  for (const Setting& row : kSettings) {
    const auto group = std::ranges::find(kGroups, row.flag, &Group::first);
    if (group != kGroups.end()) {
      out += fmt::format("{}{}\n", out.empty() ? "" : "\n", group->title);
    }
    const auto usage =
        row.argument.empty() ? std::string(row.flag) : fmt::format("{} {}", row.flag, row.argument);
    out += fmt::format("  {}\n      {}\n", usage, row.help);
    std::string facts = std::string(row.environment);
    if (!row.choices.empty()) facts += fmt::format(", {}", row.choices);
    if (const auto text = default_of(row); !text.empty()) facts += fmt::format(", {}", text);
    out += fmt::format("      [{}]\n", facts);
  }
  return out;
}

std::string format_settings_markdown() {
  std::string out =
      "| flag | environment | TOML key | default | meaning |\n|---|---|---|---|---|\n";
  const auto code = [](std::string_view text) {
    return text.empty() ? std::string("–") : fmt::format("`{}`", escape_bars(text));
  };
  for (const Setting& row : kSettings) {
    const auto argument = row.choices.empty() ? row.argument : row.choices;
    const auto usage =
        argument.empty() ? std::string(row.flag) : fmt::format("{} {}", row.flag, argument);
    out += fmt::format("| {} | {} | {} | {} | {} |\n", code(usage), code(row.environment),
                       code(row.key), code(row.default_text), escape_bars(row.help));
  }
  return out;
}

}  // namespace walwrap::config
