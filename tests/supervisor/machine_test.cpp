// Walks every reachable state with every event, to a bounded depth, and checks what must always
// hold.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/life.hpp"
#include "walwrap/supervisor/lifecycle.hpp"

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kWords = {"ready",
                                         "refused",
                                         "position=20",
                                         "fenced",
                                         "drained=ok",
                                         "drained=failed",
                                         "closed",
                                         "died",
                                         "spawned",
                                         "busy",
                                         "not-started=127",
                                         "exited=0",
                                         "killed=9",
                                         "orphan",
                                         "left=0",
                                         "left=1",
                                         "TERM",
                                         "^C",
                                         "hang-up",
                                         "USR1",
                                         "TSTP",
                                         "stopped=TSTP",
                                         "CONT",
                                         "due",
                                         "+3s"};

struct Node {
  State state;
  MonoTime now;
  bool flush_ordered = false;
  std::string path;
};

// More than the limit makes no difference.
long long worked_for_ms(const Worker& worker, MonoTime now) {
  if (!worker.ready_since) return -1;
  return std::min(now - *worker.ready_since, MonoTime::duration(kWorkedFor)) /
         std::chrono::milliseconds(1);
}

// All that decides what may still happen; times relative to now.
std::string fingerprint(const Node& node) {
  const State& s = node.state;
  std::vector<long long> parts = {static_cast<int>(s.phase),
                                  static_cast<int>(s.app),
                                  s.app_status,
                                  s.app_killed,
                                  s.spawn_delay.count(),
                                  s.suspended,
                                  static_cast<int>(s.worker.condition),
                                  s.worker.is_alive,
                                  s.worker.refused,
                                  s.worker.restart_delay.count(),
                                  worked_for_ms(s.worker, node.now),
                                  s.worker.starting_deaths,
                                  s.worker.stopping_deaths,
                                  s.estimate ? 1 : 0,
                                  s.stop.count,
                                  s.stop.terminal_interrupts,
                                  s.fenced,
                                  s.hands_over,
                                  s.abandoned,
                                  s.flush ? static_cast<int>(*s.flush) : -1,
                                  s.exit_status,
                                  node.flush_ordered};
  const auto add = [&](const std::optional<MonoTime>& time) {
    parts.push_back(time ? (*time - node.now).count() : -1'000'000'000'000'000);
  };
  for (const auto& time :
       {s.phase_until, s.worker.restart_at, s.worker.hang_until, s.worker.steady_at, s.stop.first,
        s.stragglers.term_until, s.stragglers.kill_until, s.unowned_since}) {
    add(time);
  }
  if (s.timeline) add(s.timeline->flush_until);
  return {reinterpret_cast<const char*>(parts.data()), parts.size() * sizeof(parts[0])};
}

// What is wrong with an action in the state it was decided in; "" if nothing is.
std::string fault_in(const Action& action, const State& before, const State& after) {
  const bool is_app_alive = before.app == App::Alive;
  return std::visit(
      Overloaded{
          [&](const action::StartApp&) {
            const bool may = before.phase == Phase::Starting && before.app == App::NotStarted;
            return may ? "" : "starts an app twice, or too late";
          },
          [&](const action::SpawnReplicator&) {
            return before.worker.is_alive && after.phase != Phase::Done
                       ? "two replicators at a time"
                       : "";
          },
          [&](const action::SendOrder& sent) {
            if (!after.worker.is_ready()) return "an order to a replicator that is not Ready";
            const bool is_for_later =
                sent.order.kind == Order::AppGone || sent.order.kind == Order::Flush;
            return is_for_later && after.app == App::Alive ? "told gone, but alive" : "";
          },
          [&](const action::SignalApp&) { return is_app_alive ? "" : "signals no app"; },
          [&](const action::KillApp&) { return is_app_alive ? "" : "kills no app"; },
          [&](const action::CheckStragglers&) {
            return after.app == App::Alive ? "takes the app for a leftover" : "";
          },
          [&](const action::SignalStragglers&) {
            return after.app == App::Alive ? "takes the app for a leftover" : "";
          },
          [&](const action::Exit&) {
            return after.app == App::Alive || after.phase != Phase::Done ? "exits too early" : "";
          },
          [](const auto&) { return ""; },
      },
      action);
}

std::string fault_in_state(const Node& node) {
  const State& s = node.state;
  const bool has_deadline = deadline_of(s).has_value();
  if (s.phase == Phase::Done) {
    const bool ran = s.app_pid != os::Pid{};
    const bool is_stored = s.flush && *s.flush <= FlushOutcome::Nothing;
    if (is_stored && !node.flush_ordered) return "stored without an order";
    const bool must_flush = s.rules.replicates && ran;
    if (must_flush && !node.flush_ordered && s.flush != FlushOutcome::Failed) return "no flush";
    if (must_flush && s.exit_status == 0 && !is_stored) return "0, but not stored";
    return has_deadline ? "a deadline after the end" : "";
  }
  const bool may_drain_for_ever = !s.rules.kills_app && s.app == App::Alive;
  const bool needs_deadline =
      (s.phase >= Phase::Stopping && !may_drain_for_ever) ||
      s.worker.condition == Worker::Condition::Closing ||
      (s.worker.condition == Worker::Condition::Down && s.phase != Phase::Done);
  return needs_deadline && !has_deadline ? "waits without a deadline" : "";
}

// Applies a word; adds what went wrong to `fault`.
Node walk(const Node& from, const std::string& word, std::string& fault) {
  Node to = from;
  if (word == "+3s") {
    to.now += 3s;
    return to;
  }
  const auto deadline = deadline_of(from.state);
  if (word == "due" && deadline) to.now = std::max(to.now, *deadline);
  const Event event = word == "due" ? Event(event::DeadlinePassed{}) : event_of(word);
  const auto next = step(from.state, event, to.now);
  State before = from.state;
  // One that has just died is not in the way of the next.
  if (std::holds_alternative<event::ReplicatorExited>(event)) before.worker.is_alive = false;
  // An app that has just started may be stopped at once.
  if (std::holds_alternative<event::AppSpawned>(event)) before.app = next.state.app;
  if (from.state.phase == Phase::Done && !next.actions.empty()) fault = "acts after the end";
  for (const Action& action : next.actions) {
    const auto wrong = fault_in(action, before, next.state);
    if (!wrong.empty()) fault = wrong;
    const auto* sent = std::get_if<action::SendOrder>(&action);
    if (sent != nullptr && sent->order.kind == Order::Flush) to.flush_ordered = true;
  }
  to.state = next.state;
  const auto wrong = fault_in_state(to);
  if (!wrong.empty()) fault = wrong;
  return to;
}

// From here on the platform has requested a stop, and nothing else happens: no exit of the
// app, no answer, and always one process left. When does init end?
std::optional<MonoTime> end_of_silence(Node node, std::string& fault) {
  node = walk(node, "TERM", fault);
  for (int steps = 0; steps < 1'000; ++steps) {
    if (node.state.phase == Phase::Done) return node.now;
    const auto next = walk(node, "due", fault);
    node = node.state.phase == Phase::Quiescing ? walk(next, "left=1", fault) : next;
  }
  return std::nullopt;
}

// Every state that so many events can lead to: some 700,000, without a sanitizer in ten seconds.
#ifdef WALWRAP_SANITIZED
constexpr int kDepth = 6;
#else
constexpr int kDepth = 8;
#endif

void walk_everywhere(const char* rules, int depth, const std::vector<std::string>& also = {}) {
  CAPTURE(rules);
  auto words = kWords;
  words.insert(words.end(), also.begin(), also.end());
  const Life life(rules);
  std::vector<Node> level = {{life.state, life.now, false, ""}};
  std::set<std::string> seen;
  std::size_t silences = 0;
  for (int i = 0; i < depth; ++i) {
    std::vector<Node> next_level;
    for (const Node& node : level) {
      for (const auto& word : words) {
        std::string fault;
        Node next = walk(node, word, fault);
        next.path = node.path + " " + word;
        if (!fault.empty()) FAIL_CHECK(next.path << ": " << fault);
        if (!seen.insert(fingerprint(next)).second) continue;
        const bool ends_in_silence = life.state.rules.kills_app;
        if (ends_in_silence && seen.size() % 16 == 0 && next.state.phase != Phase::Done) {
          ++silences;
          const auto end = end_of_silence(next, fault);
          const auto limit =
              std::max(next.now, next.state.timeline ? next.state.timeline->end : next.now) +
              life.state.rules.grace;
          if (!fault.empty()) FAIL_CHECK(next.path << " TERM: " << fault);
          if (!end || *end > limit) FAIL_CHECK(next.path << " TERM: does not end in time");
        }
        next_level.push_back(std::move(next));
      }
    }
    level = std::move(next_level);
  }
  MESSAGE(rules << ": " << seen.size() << " states, " << silences << " silences");
  CHECK(seen.size() > 1'000);
}

TEST_CASE("no order of events ends a run early, late, twice or unflushed") {
  walk_everywhere("", kDepth);
}

TEST_CASE("no order of events without a database ends a run early, late or twice") {
  walk_everywhere("plain", kDepth);
}

TEST_CASE("no order of events with --kill-app=never ends a run early, late, twice or unflushed") {
  walk_everywhere("never-kill", kDepth - 1);
}

TEST_CASE("no order of events with a hand-over ends a run early, late, twice or unflushed") {
  walk_everywhere("", kDepth - 1, {"hand-over", "owner", "owner=gone"});
}

TEST_CASE("with --kill-app=never walwrap waits for the app and then flushes") {
  Life life("never-kill grace=10s", "ready spawned TERM");
  CHECK(life.deadline_ms() > 0);
  CHECK(life.does("due") == "");
  CHECK(std::holds_alternative<fact::AppNotKilled>(life.said.back()));
  CHECK(life.deadline_ms() == -1);
  CHECK(life.does("+1m TERM") == "app:TERM continue");
  CHECK(life.does("TERM") == "app:TERM continue");  // a third one neither
  CHECK(life.phase() == "Stopping");
  const auto asked = life.announced.size();
  CHECK(life.does("exited=0") == "order:AppGone look");
  CHECK(life.does("left=0") == "order:Flush");
  // As long as when the app ends by itself, because the platform has not killed it.
  CHECK(life.orders.back().deadline > life.now + 20s);
  REQUIRE(life.announced.size() == asked + 1);
  CHECK(life.announced.back().needed > 20s);
  CHECK(life.does("drained=ok died") == "exit=0");
}

TEST_CASE("only a terminal user ends an app that is never killed") {
  Life life("never-kill", "ready spawned ^C +3s ^C");
  CHECK(life.does("^C") == "kill-app");
}

}  // namespace
}  // namespace walwrap::supervisor
