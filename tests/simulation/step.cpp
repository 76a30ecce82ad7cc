#include "tests/simulation/step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

namespace walwrap::simulation {
namespace {

struct Word {
  Verb verb;
  Actor actor;
  std::string_view text;
  int parameters;
};

constexpr Word kVerbs[] = {
    {Verb::Open, Actor::App, "open", 0},
    {Verb::Close, Actor::App, "close", 0},
    {Verb::Kill, Actor::App, "kill", 0},
    {Verb::Insert, Actor::App, "insert", 2},  // rows, bytes of each
    {Verb::Update, Actor::App, "update", 2},
    {Verb::Delete, Actor::App, "delete", 1},
    {Verb::Begin, Actor::App, "begin", 0},
    {Verb::Commit, Actor::App, "commit", 0},
    {Verb::Rollback, Actor::App, "rollback", 0},
    {Verb::Vacuum, Actor::App, "vacuum", 0},
    {Verb::Checkpoint, Actor::App, "checkpoint", 1},  // SQLite's mode, 0: passive
    {Verb::Read, Actor::App, "read", 0},              // and goes on reading, until end-read
    {Verb::EndRead, Actor::App, "end-read", 0},
    {Verb::Journal, Actor::App, "journal", 1},  // 0: DELETE, 1: WAL
    {Verb::Once, Actor::App, "once", 2},        // a command of its own inserts and ends
    {Verb::Sync, Actor::App, "sync", 1},        // 0: NORMAL, 1: FULL
    {Verb::Autocheckpoint, Actor::App, "autocheckpoint", 1},
    {Verb::Backup, Actor::App, "backup", 0},
    {Verb::PutCopy, Actor::App, "put-copy", 0},      // of the backup over the closed database
    {Verb::PutRename, Actor::App, "put-rename", 0},  // the same by a rename
    {Verb::DropSidecars, Actor::App, "drop-sidecars", 0},
    {Verb::Remove, Actor::App, "remove", 0},
    {Verb::Break, Actor::App, "break", 2},  // calls, 0: EIO, 1: ENOSPC, 2: half is done
    {Verb::Start, Actor::Walwrap, "start", 0},
    {Verb::Capture, Actor::Walwrap, "capture", 0},
    {Verb::Upload, Actor::Walwrap, "upload", 0},
    {Verb::Confirm, Actor::Walwrap, "confirm", 0},
    {Verb::Snapshot, Actor::Walwrap, "snapshot", 0},
    {Verb::Stop, Actor::Walwrap, "stop", 0},
    {Verb::LoseLocks, Actor::Walwrap, "lose-locks", 0},  // other programs do not see them
    {Verb::Kill, Actor::Walwrap, "kill", 0},
    {Verb::Break, Actor::Walwrap, "break", 2},
    {Verb::Many, Actor::Walwrap, "many", 1},  // commits, each of them stored
    {Verb::PowerLoss, Actor::Host, "power-loss", 1},
    {Verb::DropSidecars, Actor::Host, "drop-sidecars", 0},  // by its start script, after a crash
    {Verb::PutRename, Actor::Host, "put-rename", 0},        // of the backup, the WAL stays
    {Verb::SpoilSums, Actor::Host, "spoil-sums", 0},        // a disk fault in the state directory
    {Verb::Wipe, Actor::Host, "wipe", 0},
    {Verb::DropState, Actor::Host, "drop-state", 0},
    {Verb::Partition, Actor::Host, "partition", 0},  // from the store
    {Verb::Heal, Actor::Host, "heal", 0},
    // While apps have it open. 0: the database, 1: its -wal, 2: its -shm
    {Verb::Unlink, Actor::Host, "unlink", 1},
    {Verb::Swap, Actor::Host, "swap", 1},            // another file is moved over it
    {Verb::Overwrite, Actor::Host, "overwrite", 0},  // the database by the backup, in place
    {Verb::Cut, Actor::Host, "cut", 1},              // to half of its length; not the -shm
    {Verb::Fill, Actor::Host, "fill", 0},            // its disk
    {Verb::Free, Actor::Host, "free", 0},
    {Verb::Fail, Actor::Store, "fail", 2},  // calls, kind
    {Verb::Down, Actor::Store, "down", 0},
    {Verb::Up, Actor::Store, "up", 0},
    {Verb::Late, Actor::Store, "late", 1},    // the next put lands so many calls later
    {Verb::Twice, Actor::Store, "twice", 1},  // the next put lands again so many calls later
    {Verb::Stale, Actor::Store, "stale", 1},
    {Verb::Expire, Actor::Store, "expire", 1},  // the n-th object of the chain is gone
    {Verb::Pass, Actor::Clock, "pass", 1},      // ms
    {Verb::Jump, Actor::Clock, "jump", 1},      // of the time of day, ms
};

constexpr std::array<std::string_view, 5> kActors = {"app", "walwrap", "host", "store", "clock"};

bool is_numbered(Actor actor) {
  return actor != Actor::Store && actor != Actor::Clock;
}

const Word& word_of(Verb verb, Actor actor) {
  return *std::find_if(std::begin(kVerbs), std::end(kVerbs),
                       [&](const Word& word) { return word.verb == verb && word.actor == actor; });
}

}  // namespace

std::string_view name_of(Verb verb) {
  return std::find_if(std::begin(kVerbs), std::end(kVerbs),
                      [&](const Word& word) { return word.verb == verb; })
      ->text;
}

Actor actor_of(Verb verb) {
  return std::find_if(std::begin(kVerbs), std::end(kVerbs),
                      [&](const Word& word) { return word.verb == verb; })
      ->actor;
}

std::string format_step(const Step& step) {
  const Word& word = word_of(step.verb, step.actor);
  std::string text;
  if (step.at_point > 0) text = fmt::format("@{} ", step.at_point);
  text += kActors[static_cast<std::size_t>(step.actor)];
  if (is_numbered(step.actor)) text += std::to_string(step.number);
  text += fmt::format(" {}", word.text);
  if (word.parameters > 0) text += fmt::format(" {}", step.first);
  if (word.parameters > 1) text += fmt::format(" {}", step.second);
  return text;
}

std::string format_steps(const Steps& steps) {
  std::string text;
  for (const Step& step : steps) text += format_step(step) + "\n";
  return text;
}

std::optional<Step> parse_step(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::string actor;
  std::string verb;
  Step step;
  if (in.peek() == '@') {
    in.get();
    if (!(in >> step.at_point) || step.at_point <= 0) return std::nullopt;
  }
  if (!(in >> actor >> verb)) return std::nullopt;
  const auto digits = std::min(actor.find_first_of("0123456789"), actor.size());
  const auto found = std::find(kActors.begin(), kActors.end(), actor.substr(0, digits));
  if (found == kActors.end()) return std::nullopt;
  step.actor = static_cast<Actor>(found - kActors.begin());
  if (is_numbered(step.actor) != (digits < actor.size())) return std::nullopt;
  if (digits < actor.size()) step.number = std::stoi(actor.substr(digits));
  for (const Word& word : kVerbs) {
    if (word.actor != step.actor || word.text != verb) continue;
    step.verb = word.verb;
    if (word.parameters > 0 && !(in >> step.first)) return std::nullopt;
    if (word.parameters > 1 && !(in >> step.second)) return std::nullopt;
    std::string more;
    return in >> more ? std::nullopt : std::optional(step);
  }
  return std::nullopt;
}

Steps parse_steps(std::string_view text) {
  Steps steps;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const auto step = parse_step(line);
    if (!step) throw std::runtime_error("no step of a simulation: " + line);
    steps.push_back(*step);
  }
  return steps;
}

}  // namespace walwrap::simulation
