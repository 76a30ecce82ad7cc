// Drives lifecycle::step with short words, so that a life reads as one line:
//
//   Life life("grace=10s", "ready spawned TERM +1s exited=0 left=0");
//   life.does("drained=ok")  ->  "close"
//
// Words are events (see event_of), "+250ms" moves the clock, "due" moves it to the deadline and
// lets it pass. Actions come back as words; what is said is in `said`.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/check.hpp"
#include "walwrap/base/signal_name.hpp"
#include "walwrap/supervisor/lifecycle.hpp"

namespace walwrap::supervisor {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

inline std::string word_of(Order order) {
  switch (order) {
    case Order::AppStarted:
      return "order:AppStarted";
    case Order::Stopping:
      return "order:Stopping";
    case Order::AppGone:
      return "order:AppGone";
    case Order::Flush:
      return "order:Flush";
  }
  return "?";
}

// "" for what each start and stop has.
inline std::string word_of(Announcement::Kind kind) {
  switch (kind) {
    case Announcement::Kind::Preparing:
      return "tell:preparing";
    case Announcement::Kind::Alive:
      return "tell:alive";
    case Announcement::Kind::Ready:
    case Announcement::Kind::Stopping:
      return "";
  }
  return "?";
}

// "" for what is said.
inline std::string word_of(const Action& action) {
  const auto signal = [](int number) { return format_signal(number).substr(3); };
  return std::visit(
      Overloaded{
          [](const action::StartApp&) -> std::string { return "start"; },
          [](const action::SpawnReplicator&) -> std::string { return "fork"; },
          [](const action::SendOrder& sent) { return word_of(sent.order.kind); },
          [&](const action::SignalApp& sent) { return "app:" + signal(sent.signal); },
          [](const action::ContinueApp&) -> std::string { return "continue"; },
          [](const action::KillApp&) -> std::string { return "kill-app"; },
          [](const action::Suspend& how) -> std::string {
            return how.whole_job ? "suspend-job" : "suspend";
          },
          [](const action::ResumeApp&) -> std::string { return "resume"; },
          [](const action::CheckStragglers&) -> std::string { return "look"; },
          [&](const action::SignalStragglers& sent) { return "left:" + signal(sent.signal); },
          [](const action::LookForOwner&) -> std::string { return "look-for-owner"; },
          [](const action::CloseChannel&) -> std::string { return "close"; },
          [](const action::KillReplicator&) -> std::string { return "kill-replicator"; },
          [](const action::Announce& announce) { return word_of(announce.what.kind); },
          [](const action::Say&) -> std::string { return ""; },
          [](const action::Exit& exit) { return fmt::format("exit={}", exit.status); },
      },
      action);
}

inline std::string_view name_of(Phase phase) {
  constexpr std::string_view kNames[] = {"Starting", "Running", "Stopping", "Quiescing",
                                         "Flushing", "Leaving", "Standby",  "Done"};
  return kNames[static_cast<std::size_t>(phase)];
}

inline Event event_of(std::string_view word) {
  const auto equals = word.find('=');
  const std::string name(word.substr(0, equals));
  const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
  const auto number = [&value] { return value.empty() ? 0 : std::stoi(value); };
  const auto report = [](Report kind) {
    ReplicatorReport made;
    made.kind = kind;
    return made;
  };
  if (name == "ready") return report(Report::Ready);
  if (name == "fenced") return report(Report::Fenced);
  if (name == "hand-over") return report(Report::HandOver);
  if (name == "owner") return event::OwnerFound{value != "gone"};
  if (name == "refused") {
    auto refused = report(Report::Refused);
    refused.exit_code = number();
    refused.text = "for a reason";
    return refused;
  }
  if (name == "position") {
    auto position = report(Report::Position);
    position.txid = Txid{7};
    position.lag_bytes = 4'096;
    position.last_put = std::chrono::milliseconds{number()};
    return position;
  }
  if (name == "drained") {
    auto drained = report(Report::Drained);
    drained.txid = Txid{9};
    drained.flush = value == "ok"        ? FlushOutcome::Ok
                    : value == "nothing" ? FlushOutcome::Nothing
                    : value == "partial" ? FlushOutcome::Partial
                                         : FlushOutcome::Failed;
    return drained;
  }
  if (name == "closed") return event::ChannelClosed{};
  if (name == "died") return event::ReplicatorExited{{.code = 0, .signal = SIGKILL}};
  if (name == "spawned") return event::AppSpawned{os::Pid{42}};
  if (name == "busy") return event::AppSpawnBusy{"fork: Resource temporarily unavailable"};
  if (name == "not-started") return event::AppNotStarted{"no such file", number()};
  if (name == "exited") return event::AppExited{{.code = number(), .signal = 0}};
  if (name == "killed") return event::AppExited{{.code = 0, .signal = number()}};
  if (name == "oom") return event::AppExited{{.code = 0, .signal = SIGKILL}, true};
  if (name == "orphan") return event::OtherReaped{};
  if (name == "shell") return event::JobControl{value != "gone"};
  if (name == "stopped") return event::AppStopped{parse_signal(value).value()};
  if (name == "left") return event::Stragglers{number()};
  if (name == "time") return event::DeadlinePassed{};
  if (name == "^C") return os::ReceivedSignal{.number = SIGINT, .from_kernel = true};
  if (name == "hang-up") return os::ReceivedSignal{.number = SIGHUP, .from_kernel = true};
  const auto signal = parse_signal(name);
  WW_CHECK(signal.has_value());
  return os::ReceivedSignal{.number = *signal};
}

inline Rules rules_of(std::string_view words) {
  Rules rules;
  rules.replicates = true;
  std::istringstream stream{std::string(words)};
  for (std::string word; stream >> word;) {
    const auto value = word.substr(word.find('=') + 1);
    if (word == "plain") {
      rules.replicates = false;
    } else if (word == "pid-1") {
      rules.pid_1 = true;
    } else if (word == "signals-all") {
      rules.platform_signals_every_process = true;
    } else if (word == "no-standby") {
      rules.stands_by = false;
    } else if (word == "never-kill") {
      rules.kills_app = false;
    } else if (word == "manager") {
      rules.manager.listens = true;
    } else if (word.starts_with("watchdog=")) {
      rules.manager = {.listens = true, .watchdog = parse_duration(value).value()};
    } else if (word.starts_with("grace=")) {
      rules.grace = parse_duration(value).value();
    } else if (word.starts_with("exit-flush=")) {
      rules.exit_flush_timeout = parse_duration(value).value();
    } else if (word.starts_with("app-grace=")) {
      rules.app_grace = parse_duration(value).value();
    } else if (word.starts_with("ok=")) {
      rules.ok_codes.push_back(std::stoi(value));
    } else if (word.starts_with("stop=")) {
      rules.signals.stop = {parse_signal(value).value()};
    } else if (word.starts_with("rewrite=")) {
      const auto colon = value.find(':');
      rules.signals.rewrite[parse_signal(value.substr(0, colon)).value()] =
          parse_signal(value.substr(colon + 1)).value_or(0);
    } else if (word.starts_with("code=")) {
      rules.flush_failed_code = std::stoi(value);
    } else {
      WW_CHECK(word.empty());
    }
  }
  return rules;
}

struct Life {
  explicit Life(std::string_view rules, std::string_view words = "") {
    take(begin(rules_of(rules), now));
    does(words);
  }

  // The actions the last word has caused.
  std::string does(std::string_view words) {
    std::istringstream stream{std::string(words)};
    for (std::string word; stream >> word;) {
      if (word.starts_with('+')) {
        now += parse_duration(word.substr(1)).value();
      } else if (word == "due") {
        const auto deadline = deadline_of(state);
        WW_CHECK(deadline.has_value());
        now = std::max(now, *deadline);
        take(step(state, event::DeadlinePassed{}, now));
      } else {
        take(step(state, event_of(word), now));
      }
    }
    return last;
  }

  // From `start`, in milliseconds; -1: none.
  long long deadline_ms() const {
    const auto deadline = deadline_of(state);
    if (!deadline) return -1;
    return std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - start).count();
  }

  std::string phase() const { return std::string(name_of(state.phase)); }

  static constexpr MonoTime start{std::chrono::seconds{100}};
  MonoTime now = start;
  State state;
  std::string last;
  std::vector<Fact> said;
  std::vector<InitOrder> orders;
  std::vector<Announcement> announced;

 private:
  void take(Step next) {
    state = std::move(next.state);
    last.clear();
    for (const Action& action : next.actions) {
      if (const auto* say = std::get_if<action::Say>(&action)) said.push_back(say->fact);
      if (const auto* sent = std::get_if<action::SendOrder>(&action)) orders.push_back(sent->order);
      if (const auto* told = std::get_if<action::Announce>(&action)) {
        announced.push_back(told->what);
      }
      const auto word = word_of(action);
      if (!word.empty()) last += (last.empty() ? "" : " ") + word;
    }
  }
};

}  // namespace walwrap::supervisor
