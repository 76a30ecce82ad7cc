#include "walwrap/supervisor/lifecycle.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/life.hpp"

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;

struct StepRow {
  const char* name;
  const char* rules;
  const char* before;
  const char* event;
  const char* actions;
  const char* phase;
};

void check_rows(std::span<const StepRow> rows) {
  for (const StepRow& row : rows) {
    CAPTURE(row.name);
    Life life(row.rules, row.before);
    CHECK(life.does(row.event) == row.actions);
    CHECK(life.phase() == row.phase);
  }
}

TEST_CASE("each event during the start has its actions") {
  const StepRow rows[] = {
      {"the app waits for the replicator", "", "", "position=5", "", "Starting"},
      {"Ready starts the app", "", "", "ready", "start", "Starting"},
      {"a second Ready does not start it twice", "", "ready", "ready", "", "Starting"},
      {"a started app runs, and the replicator learns of it", "", "ready", "spawned",
       "order:AppStarted", "Running"},
      {"a refusal ends the start with its own code", "", "refused=3", "died", "exit=3", "Done"},
      {"a refusal without a code is 125", "", "refused", "died", "exit=125", "Done"},
      {"a refusing replicator gets a moment to exit", "", "", "refused", "close", "Leaving"},
      {"a refusing replicator that stays is killed", "", "refused", "due",
       "kill-replicator exit=125", "Done"},
      {"another writer at the start is a refusal", "", "fenced", "died", "exit=125", "Done"},
      {"a replicator that dies is not restarted at once", "", "", "died", "", "Starting"},
      {"but after a delay it is", "", "died", "due", "fork", "Starting"},
      {"four crashes do not end the start", "", "died due died due died due", "died", "",
       "Starting"},
      {"the fifth crash ends the start", "", "died due died due died due died due", "died",
       "exit=125", "Done"},
      {"a replicator that hangs after closing its channel is killed", "", "closed", "due",
       "kill-replicator", "Starting"},
      {"a failed fork is tried again", "", "ready busy", "due", "start", "Starting"},
      {"and again", "", "ready busy due busy", "due", "start", "Starting"},
      {"a replicator that died meanwhile must be Ready first", "", "ready busy died", "due", "",
       "Starting"},
      {"and then the app starts", "", "ready busy died due due", "ready", "start", "Starting"},
      {"a missing app ends the run in order", "", "ready", "not-started=127",
       "order:Stopping order:AppGone look", "Quiescing"},
      {"with 127", "", "ready not-started=127 left=0 drained=ok", "died", "exit=127", "Done"},
      {"a signal aborts the start", "", "", "TERM", "close", "Leaving"},
      {"with 128 + the signal", "", "TERM", "died", "exit=143", "Done"},
      {"SIGINT aborts it too", "", "INT", "died", "exit=130", "Done"},
      {"and SIGQUIT, because no app takes it", "", "QUIT", "died", "exit=131", "Done"},
      {"and a hang-up of the terminal too", "", "hang-up", "died", "exit=143", "Done"},
      {"an aborted replicator that stays is killed", "", "TERM", "due", "kill-replicator exit=143",
       "Done"},
      {"a start without a replicator is aborted at once", "", "died", "TERM", "exit=143", "Done"},
      {"a reload has no app to go to yet", "", "", "HUP", "", "Starting"},
      {"Ctrl-Z stops walwrap during a restore", "", "", "TSTP", "suspend", "Starting"},
      {"a third Ctrl-C does not wait for the replicator", "", "^C ^C", "^C", "kill-replicator",
       "Leaving"},
  };
  check_rows(rows);
}

TEST_CASE("each event beside the running app has its actions") {
  const StepRow rows[] = {
      {"its signals are forwarded", "", "ready spawned", "USR1", "app:USR1", "Running"},
      {"a reload is not a stop", "", "ready spawned", "HUP", "app:HUP", "Running"},
      {"a new window size is forwarded", "", "ready spawned", "WINCH", "app:WINCH", "Running"},
      {"SIGPIPE is not forwarded", "", "ready spawned", "PIPE", "", "Running"},
      {"Ctrl-Z stops the app and walwrap", "", "ready spawned", "TSTP", "suspend", "Running"},
      {"Ctrl-Z in the app stops walwrap, so that a shell sees it", "", "ready spawned shell=there",
       "stopped=TSTP", "suspend-job", "Running"},
      {"a read from the background does the same", "", "ready spawned shell=there", "stopped=TTIN",
       "suspend-job", "Running"},
      {"without a shell Ctrl-Z does not stop the app", "", "ready spawned shell=gone",
       "stopped=TSTP", "resume", "Running"},
      {"without a shell it does not stop walwrap", "", "ready spawned shell=gone", "TSTP",
       "app:TSTP", "Running"},
      {"nor as PID 1", "pid-1", "ready spawned shell=there", "stopped=TSTP", "resume", "Running"},
      {"without a shell a read from the background stays stopped", "", "ready spawned shell=gone",
       "stopped=TTIN", "", "Running"},
      {"SIGSTOP is obeyed", "", "ready spawned shell=there", "stopped=STOP", "", "Running"},
      {"Ctrl-Z does not stop a drain", "", "ready spawned shell=there TERM", "stopped=TSTP",
       "resume", "Stopping"},
      {"when the shell continues walwrap, the app continues", "",
       "ready spawned shell=there stopped=TSTP", "CONT", "resume", "Running"},
      {"and CONT resumes both", "", "ready spawned TSTP", "CONT", "resume", "Running"},
      {"a CONT without it is forwarded", "", "ready spawned", "CONT", "app:CONT", "Running"},
      {"PID 1 forwards TSTP only", "pid-1", "ready spawned", "TSTP", "app:TSTP", "Running"},
      {"and not TTIN", "pid-1", "ready spawned", "TTIN", "", "Running"},
      {"a dead replicator is restarted", "", "ready spawned died", "due", "fork", "Running"},
      {"and learns that the app runs", "", "ready spawned died due", "ready", "order:AppStarted",
       "Running"},
      {"and does not start the app once more", "", "ready spawned died due ready", "ready", "",
       "Running"},
      {"a refusal does not touch the app", "", "ready spawned died due", "refused", "", "Running"},
      {"and is tried again", "", "ready spawned died due refused died", "due", "fork", "Running"},
      {"a replicator that hangs is killed", "", "ready spawned closed", "due", "kill-replicator",
       "Running"},
      {"another writer stops the app", "", "ready spawned", "fenced",
       "app:TERM continue order:Stopping", "Stopping"},
      {"an orphan's end is ignored", "", "ready spawned", "orphan", "", "Running"},
      {"the end of the app is followed by a check for its processes", "", "ready spawned",
       "exited=0", "order:Stopping order:AppGone look", "Quiescing"},
  };
  check_rows(rows);
}

TEST_CASE("each event during a stop has its actions") {
  const StepRow rows[] = {
      {"the app gets its signal first, then the others learn of it", "", "ready spawned", "TERM",
       "app:TERM continue order:Stopping", "Stopping"},
      {"it gets the signal that arrived", "", "ready spawned", "INT",
       "app:INT continue order:Stopping", "Stopping"},
      {"a hang-up of the terminal reaches it as TERM", "", "ready spawned", "hang-up",
       "app:TERM continue order:Stopping", "Stopping"},
      {"where the platform signals each process it has TERM already", "signals-all",
       "ready spawned", "TERM", "continue order:Stopping", "Stopping"},
      {"but not INT", "signals-all", "ready spawned", "INT", "app:INT continue order:Stopping",
       "Stopping"},
      {"nor the signal that walwrap sends because of another writer", "signals-all",
       "ready spawned", "fenced", "app:TERM continue order:Stopping", "Stopping"},
      {"a suspended app is resumed", "", "ready spawned TSTP", "TERM",
       "app:TERM resume continue order:Stopping", "Stopping"},
      {"a repeated signal is swallowed", "", "ready spawned TERM +1999ms", "TERM", "", "Stopping"},
      {"a later one is passed on", "", "ready spawned TERM +2s", "INT", "app:INT continue",
       "Stopping"},
      {"the third kills the app", "", "ready spawned TERM +2s TERM", "TERM", "kill-app",
       "Stopping"},
      {"and the fourth does not do it again", "", "ready spawned TERM +2s TERM TERM", "TERM", "",
       "Stopping"},
      {"a killed app is still flushed", "", "ready spawned TERM +2s TERM TERM killed=9", "left=0",
       "order:Flush", "Flushing"},
      {"other signals are forwarded", "", "ready spawned TERM", "USR2", "app:USR2", "Stopping"},
      {"Ctrl-Z is not", "", "ready spawned TERM", "TSTP", "", "Stopping"},
      {"nor is a later hang-up", "", "ready spawned TERM", "hang-up", "", "Stopping"},
      {"an app past its time is killed", "", "ready spawned TERM", "due", "kill-app", "Stopping"},
      {"an app that survives SIGKILL is left behind", "", "ready spawned TERM due", "due",
       "order:AppGone look", "Quiescing"},
      {"its late end changes nothing", "", "ready spawned TERM due due", "killed=9", "",
       "Quiescing"},
      {"the end of the app is followed by a check for its processes", "", "ready spawned TERM",
       "exited=0", "order:AppGone look", "Quiescing"},
      {"a replicator that dies is replaced at once", "", "ready spawned TERM", "died", "fork",
       "Stopping"},
      {"and learns the state of the stop", "", "ready spawned TERM died", "ready",
       "order:AppStarted order:Stopping", "Stopping"},
      {"a replicator that was down is restarted at once", "", "ready spawned died", "TERM",
       "app:TERM continue fork", "Stopping"},
      {"the second crash costs a little time", "", "ready spawned TERM died", "died", "",
       "Stopping"},
      {"but not the replicator", "", "ready spawned TERM died died", "due", "fork", "Stopping"},
      {"the third Ctrl-C kills the app", "", "ready spawned ^C ^C", "^C", "kill-app", "Stopping"},
      {"and nothing is flushed", "", "ready spawned ^C ^C ^C", "killed=9",
       "order:AppGone kill-replicator close", "Leaving"},
      {"a refusal does not shorten the app's time", "", "ready spawned TERM died", "refused", "",
       "Stopping"},
  };
  check_rows(rows);
}

TEST_CASE("each event after the app's end has its actions for remaining processes") {
  const StepRow rows[] = {
      {"with no process left the flush begins", "", "ready spawned exited=0", "left=0",
       "order:Flush", "Flushing"},
      {"they get TERM", "", "ready spawned exited=0", "left=2", "left:TERM", "Quiescing"},
      {"each end causes a check", "", "ready spawned exited=0 left=2", "orphan", "look",
       "Quiescing"},
      {"and so does a short time", "", "ready spawned exited=0 left=2", "due", "look", "Quiescing"},
      {"they have two seconds", "", "ready spawned exited=0 left=2 +1999ms", "left=2", "",
       "Quiescing"},
      {"then they are killed", "", "ready spawned exited=0 left=2 +2s", "left=2", "left:KILL",
       "Quiescing"},
      {"with no process left after that the flush begins", "",
       "ready spawned exited=0 left=2 +2s left=2", "left=0", "order:Flush", "Flushing"},
      {"survivors are left alone", "", "ready spawned exited=0 left=2 +2s left=2 +1s", "left=1",
       "order:Flush", "Flushing"},
      {"after the app's time they are killed at once", "", "ready spawned TERM due killed=9",
       "left=2", "left:KILL", "Quiescing"},
      {"a third signal kills them", "", "ready spawned TERM exited=0 left=2 TERM +2s TERM TERM",
       "left=2", "left:KILL", "Quiescing"},
      {"a third Ctrl-C kills them and abandons the flush", "",
       "ready spawned ^C ^C exited=0 left=1", "^C", "left:KILL kill-replicator close", "Leaving"},
  };
  check_rows(rows);
}

TEST_CASE("each event during the final flush has its actions") {
  const StepRow rows[] = {
      {"the answer ends the flush", "", "ready spawned exited=0 left=0", "drained=ok", "close",
       "Leaving"},
      {"and the replicator's exit ends the run", "", "ready spawned exited=0 left=0 drained=ok",
       "died", "exit=0", "Done"},
      {"a replicator that stays is killed", "", "ready spawned exited=0 left=0 drained=ok", "due",
       "kill-replicator exit=0", "Done"},
      {"a missing answer ends it too", "", "ready spawned exited=0 left=0", "due",
       "kill-replicator close", "Leaving"},
      {"a replicator that dies is replaced at once", "", "ready spawned exited=0 left=0", "died",
       "fork", "Flushing"},
      {"and learns everything that happened", "", "ready spawned exited=0 left=0 died", "ready",
       "order:AppStarted order:Stopping order:AppGone order:Flush", "Flushing"},
      {"a replicator that is not Ready yet learns it when it is", "",
       "ready spawned died exited=0 left=0", "ready",
       "order:AppStarted order:Stopping order:AppGone order:Flush", "Flushing"},
      {"a refusal ends it", "", "ready spawned exited=0 left=0 died", "refused", "close",
       "Leaving"},
      {"an earlier refusal leaves nothing to wait for", "",
       "ready spawned TERM died refused died exited=0", "left=0", "exit=74", "Done"},
      {"a signal of the platform shortens it", "", "ready spawned exited=0 left=0", "TERM",
       "order:Stopping order:Flush", "Flushing"},
      {"three Ctrl-C abandon it", "", "ready spawned exited=0 left=0 ^C ^C", "^C",
       "kill-replicator close", "Leaving"},
      {"three signals of the platform do not", "", "ready spawned exited=0 left=0 TERM +2s TERM",
       "TERM", "", "Flushing"},
      {"an answer without an order is ignored", "", "ready spawned", "drained=ok", "", "Running"},
      {"nothing happens after the end", "", "refused died", "TERM", "", "Done"},
  };
  check_rows(rows);
}

TEST_CASE("a hand-over is a stop that ends in standby") {
  const char* const handed = "ready spawned hand-over exited=0 left=0 drained=ok died";
  const StepRow rows[] = {
      {"the app is stopped", "", "ready spawned", "hand-over", "app:TERM continue order:Stopping",
       "Stopping"},
      {"where the platform signals each process, too", "signals-all", "ready spawned", "hand-over",
       "app:TERM continue order:Stopping", "Stopping"},
      {"before the app it waits for the app", "", "ready", "hand-over", "", "Starting"},
      {"and then stops it", "", "ready hand-over", "spawned",
       "order:AppStarted app:TERM continue order:Stopping", "Stopping"},
      {"a refused start hands nothing over", "", "ready hand-over refused=3", "died", "exit=3",
       "Done"},
      {"a second one changes nothing", "", "ready spawned hand-over", "hand-over", "", "Stopping"},
      {"a stop that has begun ends as a stop", "", "ready spawned TERM", "hand-over", "",
       "Stopping"},
      {"an app that does not exit is killed", "", "ready spawned hand-over", "due", "kill-app",
       "Stopping"},
      {"the replicator's exit releases the database", "",
       "ready spawned hand-over exited=0 left=0 drained=ok", "died", "", "Standby"},
      {"a replicator that stays is killed", "",
       "ready spawned hand-over exited=0 left=0 drained=ok", "due", "kill-replicator", "Standby"},
      {"its death is expected", "", "ready spawned hand-over exited=0 left=0 drained=ok due",
       "died", "", "Standby"},
      {"standby looks for the owner", "", handed, "due", "look-for-owner", "Standby"},
      {"and goes on looking", "", "ready spawned hand-over exited=0 left=0 drained=ok died due",
       "owner", "", "Standby"},
      {"a stop signal ends it", "", handed, "TERM", "exit=0", "Done"},
      {"Ctrl-C, too", "", handed, "^C", "exit=0", "Done"},
      {"a reload does not", "", handed, "HUP", "", "Standby"},
      {"an app that was killed is no failure", "",
       "ready spawned hand-over due killed=9 left=0 drained=ok died", "TERM", "exit=0", "Done"},
      {"a failed flush is one", "", "ready spawned hand-over exited=0 left=0 drained=failed died",
       "TERM", "exit=74", "Done"},
      {"a stop signal during the hand-over ends the run", "",
       "ready spawned hand-over TERM exited=3 left=0 drained=ok", "died", "exit=3", "Done"},
      {"with --after-handover=exit the run ends", "no-standby",
       "ready spawned hand-over exited=0 left=0 drained=ok", "died", "exit=0", "Done"},
      {"nobody for a moment is no reason to exit", "",
       "ready spawned hand-over exited=0 left=0 drained=ok died owner=gone +34s", "owner=gone", "",
       "Standby"},
      {"nobody for the time-out is one", "",
       "ready spawned hand-over exited=0 left=0 drained=ok died owner=gone +35s", "owner=gone",
       "exit=75", "Done"},
      {"an owner between them begins the wait again", "",
       "ready spawned hand-over exited=0 left=0 drained=ok died owner=gone +34s owner +5s",
       "owner=gone", "", "Standby"},
  };
  check_rows(rows);
}

TEST_CASE("without a database the lifecycle is the same without a replicator") {
  const StepRow rows[] = {
      {"the app starts at once", "plain", "spawned", "position=5", "", "Running"},
      {"a failed fork is tried again", "plain", "busy", "due", "start", "Starting"},
      {"its end ends the run", "plain", "spawned exited=7", "left=0", "exit=7", "Done"},
      {"with the processes that it left", "plain", "spawned exited=7", "left=1", "left:TERM",
       "Quiescing"},
      {"a stop signal is forwarded", "plain", "spawned", "TERM", "app:TERM continue", "Stopping"},
      {"it is killed at the end of the grace", "plain", "spawned TERM", "due", "kill-app",
       "Stopping"},
      {"a signal before it runs ends the run", "plain", "busy", "TERM", "exit=143", "Done"},
      {"not found is 127", "plain", "not-started=127", "left=0", "exit=127", "Done"},
  };
  check_rows(rows);
  CHECK(Life("plain").last == "start");
}

struct StatusRow {
  const char* name;
  const char* rules;
  const char* words;
  int status;
};

TEST_CASE("each ending has its exit status") {
  const StatusRow rows[] = {
      {"is the app's", "", "ready spawned exited=7 left=0 drained=ok died", 7},
      {"is 0 when all went well", "", "ready spawned TERM exited=0 left=0 drained=ok died", 0},
      {"is 128 + the app's signal", "", "ready spawned TERM killed=15 left=0 drained=ok died", 143},
      {"is 137 when walwrap killed it", "",
       "ready spawned TERM due killed=9 left=0 drained=ok died", 137},
      {"is 137 when it survived even that", "", "ready spawned TERM due due left=0 drained=ok due",
       137},
      {"is 74 when the app's is 0 but something is not stored", "",
       "ready spawned exited=0 left=0 drained=partial died", 74},
      {"is the app's where there is no database", "",
       "ready spawned exited=0 left=0 drained=nothing died", 0},
      {"or nothing is stored", "", "ready spawned exited=0 left=0 drained=failed died", 74},
      {"or without an answer", "", "ready spawned exited=0 left=0 due died", 74},
      {"or the replicator refused at the end", "", "ready spawned exited=0 left=0 died refused due",
       74},
      {"or it was abandoned", "", "ready spawned exited=0 left=0 ^C ^C ^C died", 74},
      {"is the configured code instead", "code=9",
       "ready spawned exited=0 left=0 drained=failed died", 9},
      {"stays 0 if that is switched off", "code=0",
       "ready spawned exited=0 left=0 drained=failed died", 0},
      {"stays the app's if that is not 0", "", "ready spawned exited=3 left=0 drained=failed died",
       3},
      {"is 125 for a fenced writer, whatever the app's is", "",
       "ready spawned fenced exited=0 left=0 drained=ok died", 125},
      {"is 125 when every fork failed", "", "ready not-started=125 left=0 drained=ok died", 125},
      {"is 0 for a code that counts as good after a stop", "ok=143",
       "ready spawned TERM killed=15 left=0 drained=ok died", 0},
      {"but not without a request to stop", "ok=143",
       "ready spawned killed=15 left=0 drained=ok died", 143},
      {"nor if walwrap killed it", "ok=137",
       "ready spawned TERM due killed=9 left=0 drained=ok died", 137},
      {"and such a code hides a failed flush as little as 0 does", "ok=143",
       "ready spawned TERM killed=15 left=0 drained=failed died", 74},
      {"needs no flush where nothing is replicated", "plain", "spawned exited=0 left=0", 0},
  };
  for (const StatusRow& row : rows) {
    CAPTURE(row.name);
    Life life(row.rules, row.words);
    CHECK(life.phase() == "Done");
    CHECK(life.state.exit_status == row.status);
    CHECK(life.last.ends_with(fmt::format("exit={}", row.status)));
  }
}

TEST_CASE("the grace starts at the first signal: app, flush, margin") {
  Life life("grace=10s", "ready spawned +60s TERM");
  CHECK(life.deadline_ms() == 66'500);
  life.does("due killed=9 left=0");
  CHECK(life.deadline_ms() == 60'000 + 9'500 + 250);
  CHECK(life.orders.back().kind == Order::Flush);
  CHECK(life.orders.back().deadline == Life::start + 69'500ms);
}

TEST_CASE("the app's part of the grace can be configured") {
  CHECK(Life("grace=10s app-grace=2s", "ready spawned TERM").deadline_ms() == 2'000);
}

TEST_CASE("the stop signals and the app's replacement signals can be configured") {
  const StepRow rows[] = {
      {"a stop signal is passed on as another", "rewrite=TERM:QUIT", "ready spawned", "TERM",
       "app:QUIT continue order:Stopping", "Stopping"},
      {"and again when it is repeated", "rewrite=TERM:QUIT", "ready spawned TERM +3s", "TERM",
       "app:QUIT continue", "Stopping"},
      {"or is not passed on at all", "rewrite=TERM:0", "ready spawned", "TERM",
       "continue order:Stopping", "Stopping"},
      {"a reload too", "rewrite=HUP:USR1", "ready spawned", "HUP", "app:USR1", "Running"},
      {"another writer stops the app with the same signal", "rewrite=TERM:QUIT", "ready spawned",
       "fenced", "app:QUIT continue order:Stopping", "Stopping"},
      {"also where the platform has sent the first one to the app itself",
       "signals-all rewrite=TERM:QUIT", "ready spawned", "TERM", "app:QUIT continue order:Stopping",
       "Stopping"},
      {"another signal may begin a stop", "stop=QUIT", "ready spawned", "QUIT",
       "app:QUIT continue order:Stopping", "Stopping"},
      {"a reload that is configured as a stop is forwarded as it is", "stop=HUP", "ready spawned",
       "HUP", "app:HUP continue order:Stopping", "Stopping"},
      {"then the usual one goes to the app", "stop=QUIT", "ready spawned", "TERM", "app:TERM",
       "Running"},
      {"but it ends a start, because no app takes it", "stop=QUIT", "", "TERM", "close", "Leaving"},
  };
  check_rows(rows);
}

TEST_CASE("fast uploads give the app more of the grace, and slow uploads less") {
  CHECK(Life("grace=10s", "ready spawned position=20 TERM").deadline_ms() == 8'000);
  CHECK(Life("grace=10s", "ready spawned position=1500 TERM").deadline_ms() == 5'000);
}

TEST_CASE("an app that ends by itself is flushed for the configured time") {
  Life life("exit-flush=30s grace=5s", "ready spawned exited=0 left=0");
  CHECK(life.orders.back().deadline == Life::start + 29s);
  life.does("+1s TERM");
  CHECK(life.orders.back().deadline == Life::start + 1s + 4'700ms);
  CHECK(life.deadline_ms() == 1'000 + 4'700 + 150);
}

TEST_CASE("a stop never extends a flush in progress") {
  Life life("exit-flush=5s grace=120s", "ready spawned exited=0 left=0 +1s TERM");
  CHECK(life.orders.back().deadline == Life::start + 4'700ms);
}

TEST_CASE("an app is not killed where a grace of zero may be a mistake") {
  Life life("grace=0s", "ready spawned TERM");
  CHECK(life.deadline_ms() == 6'500);
}

TEST_CASE("an idle supervisor has no deadline") {
  CHECK(Life("").deadline_ms() == -1);
  CHECK(Life("", "ready spawned").deadline_ms() == -1);
  CHECK(Life("plain", "spawned").deadline_ms() == -1);
}

TEST_CASE("a replicator that is stable again leaves no deadline") {
  Life life("", "ready spawned died due ready");
  CHECK(life.deadline_ms() == 100 + 10'000);
  life.does("due");
  CHECK(life.deadline_ms() == -1);
}

TEST_CASE("the last event reports how the run ended") {
  Life life("grace=10s", "ready spawned TERM +400ms exited=0 left=0 +100ms drained=partial died");
  REQUIRE(std::holds_alternative<fact::Stopped>(life.said.back()));
  const auto& stopped = std::get<fact::Stopped>(life.said.back());
  CHECK(stopped.exit_code == 74);
  CHECK(stopped.flush == FlushOutcome::Partial);
  CHECK(stopped.txid == Txid{9});
  CHECK(stopped.total == 500ms);
  CHECK(stopped.left == 9'500ms);
}

// ---- A walk through all that can happen ----

}  // namespace
}  // namespace walwrap::supervisor
