// One step of a history, and a history as text, one step a line:
//
//   walwrap1 start
//   app1 open
//   app1 insert 3 200
//   @5 app1 insert 1 40            at the fifth point (kernel.hpp) of the next step
//   walwrap1 capture
//   walwrap1 upload
//
// A script that a failure prints is the test that keeps it from coming back: see regressions_test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walwrap::simulation {

enum class Verb {
  // an app
  Open,
  Close,
  Kill,
  Insert,
  Update,
  Delete,
  Begin,
  Commit,
  Rollback,
  Vacuum,
  Checkpoint,
  Read,
  EndRead,
  Journal,
  Once,
  Sync,
  Autocheckpoint,
  Backup,
  PutCopy,
  PutRename,
  DropSidecars,
  Remove,
  // a walwrap; Kill too
  Start,
  Capture,
  Upload,
  Confirm,
  Snapshot,
  Stop,
  LoseLocks,
  Many,
  Break,  // an app, too
  // a host
  PowerLoss,
  SpoilSums,
  Wipe,
  DropState,
  Partition,
  Heal,
  Unlink,
  Swap,
  Overwrite,
  Cut,
  Fill,
  Free,
  // the store
  Fail,
  Down,
  Up,
  Late,
  Twice,
  Stale,
  Expire,
  // the clock
  Pass,
  Jump,
};

enum class Actor { App, Walwrap, Host, Store, Clock };

struct Step {
  // 0: now. Else at this point, counted from 1, within the next step that is not marked so.
  int at_point = 0;
  Actor actor = Actor::Clock;
  int number = 1;  // which of them
  Verb verb = Verb::Pass;
  int first = 0;  // parameters, see kVerbs in step.cpp
  int second = 0;
  bool operator==(const Step&) const = default;
};
using Steps = std::vector<Step>;

std::string format_step(const Step& step);
std::string format_steps(const Steps& steps);
std::optional<Step> parse_step(std::string_view line);
// Throws std::runtime_error with the line that is none; "#" begins a comment.
Steps parse_steps(std::string_view text);

std::string_view name_of(Verb verb);
Actor actor_of(Verb verb);

}  // namespace walwrap::simulation
