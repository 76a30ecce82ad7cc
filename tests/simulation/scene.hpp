// What the actors of a simulated world share: the hosts, the replica, the oracle, and what is
// wrong.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/kernel.hpp"
#include "tests/simulation/oracle.hpp"
#include "tests/simulation/replica.hpp"
#include "walwrap/base/bytes.hpp"

namespace walwrap::simulation {

// A machine with one database, one walwrap and some apps.
struct Host {
  int number = 1;
  std::filesystem::path directory;
  std::filesystem::path database;

  int pid_of_walwrap() const { return 100 * number + 1; }
  int pid_of_app(int app) const { return 100 * number + 10 + app; }

  // The database at the path holds `state`, or one of `in_flight`. Not sure: a crash, a restore or
  // another volume may have changed it to any state that holds what is durable and confirmed.
  StateId state = kNothing;
  std::vector<StateId> in_flight;
  bool is_sure = true;
  std::optional<StateId> durable;  // SQLite promises it after a loss of power
  std::optional<StateId> backup;
  bool was_killed = false;  // the last app that ended: alone it would have left its WAL, too
  bool is_up = false;       // the entrypoint runs, so apps may
  bool was_up = false;
  // Its last run has not ended with everything stored; and another host had the replica since.
  bool is_unfinished = false;
  bool is_overtaken = false;
  bool was_overtaken = false;  // when its run began
  // Such a run has begun without the store: it may go on from an older state.
  bool is_alone = false;
  bool may_lack_state = false;
  // Somebody has changed its files while apps had them open: what is there is known no longer. A
  // flush that is Ok has to be right all the same.
  bool is_wild = false;
  // What happened here may be refused at a start, or fail a flush: the documents say so.
  bool may_be_refused = false;
  bool may_miss_commits = false;  // its locks were lost
  // A loss of power: the disk as it was, and the seed of what is lost.
  std::optional<testing::DiskImage> lost_power;
  int power_seed = 0;

  void know(StateId found) {
    state = found;
    in_flight.clear();
    is_sure = true;
  }
};

struct Scene {
  Kernel& kernel;
  Oracle oracle;
  Replica replica;
  int page_size = 1024;
  std::string wrong;  // the first thing; "": nothing
  std::string trace;  // what happened, for the determinism of a seed and for people
  // A rule of the bucket has removed a file, and no flush has been Ok since.
  bool has_lost_files = false;
  bool was_wild = false;  // some host, ever
  int commits = 0;        // so that no two states are alike

  void fail(std::string what) {
    if (wrong.empty()) wrong = std::move(what);
    note("wrong: " + wrong);
  }
  void note(std::string_view what) { trace += fmt::format("{}\n", what); }

  // Gives those a turn that are not in the middle of one. False: none can have one.
  std::function<bool(Host&)> let_others_run;
  // Apps alone would make this one wait: another one writes, or somebody reads in rollback mode.
  std::function<bool(const Host&, int app)> is_kept_by_apps;
  // Another app is in the middle of a call, and cannot go on before this one returns.
  std::function<bool(const Host&, int app)> is_inside_an_app;
  // What happens now happens in the middle of something.
  std::function<bool()> is_nested;

  // What is found at a start is what counts from then on.
  void adopt(Host& host, const std::string& text);
  // The rows that somebody reads at the path are among those that can be there. `since`: what was
  // there when the read began, which others may have changed meanwhile.
  void check_rows(Host& host, const std::string& text, std::string_view who,
                  std::optional<StateId> since = std::nullopt);
};

// The whole file. Empty: there is none.
ByteVector bytes_of(const std::filesystem::path& path);

}  // namespace walwrap::simulation
