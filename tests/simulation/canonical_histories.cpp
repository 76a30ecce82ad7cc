#include "tests/simulation/canonical_histories.hpp"

namespace walwrap::simulation {
namespace {

const std::string kNew;
// The same as kStored, and the next turn of the capture makes a checkpoint.
const std::string kQuiet = std::string(kStored) + std::string(kUntilCheckpoint);
// Stored by a walwrap that was stopped, or was killed together with its app.
const std::string kStopped = R"(
walwrap1 start
app1 open
app1 sync 1
app1 insert 2 60
walwrap1 stop
)";
const std::string kKilled = R"(
walwrap1 start
app1 open
app1 sync 1
app1 insert 2 60
walwrap1 confirm
app1 insert 1 20
app1 kill
walwrap1 kill
)";
// Stored, and its host is gone.
const std::string kGone = R"(
walwrap1 start
app1 open
app1 insert 2 60
walwrap1 confirm
host1 wipe
)";

const std::vector<Canonical> kHistories = {
    // A first run.
    {kNew, "walwrap1 start; app1 open; app1 insert 2 60; walwrap1 confirm"},
    {kNew, "walwrap1 start; app1 once 2 60; walwrap1 stop"},
    {kNew, "walwrap1 start; app1 open; app1 insert 2 60; walwrap1 capture; walwrap1 stop"},
    // Commits, captures and uploads.
    {std::string(kStored), "app1 insert 1 20; walwrap1 capture; walwrap1 upload"},
    {std::string(kStored),
     "app1 insert 1 20; walwrap1 capture; app1 insert 1 20; walwrap1 upload; "
     "walwrap1 capture"},
    {std::string(kStored), "app1 update 2 900; walwrap1 confirm; app1 insert 1 20; walwrap1 stop"},
    {std::string(kStored), "app1 insert 8 400; walwrap1 capture; walwrap1 upload; app1 delete 6"},
    {std::string(kStored),
     "app1 begin; app1 insert 1 20; walwrap1 capture; app1 commit; walwrap1 confirm"},
    {std::string(kStored),
     "app1 begin; app1 insert 4 900; app1 rollback; app1 insert 1 20; walwrap1 confirm"},
    {std::string(kStored), "app1 vacuum; walwrap1 capture; walwrap1 upload"},
    {std::string(kStored), "app1 delete 2; app1 vacuum; walwrap1 confirm"},
    // Checkpoints, readers and journal modes.
    {kQuiet, "walwrap1 capture; app1 insert 1 20; walwrap1 capture; walwrap1 upload"},
    {kQuiet, "app1 insert 1 20; walwrap1 capture; app1 insert 1 20; walwrap1 confirm"},
    {kQuiet, "app1 checkpoint 3; app1 insert 1 20; walwrap1 capture; walwrap1 upload"},
    {kQuiet, "app1 read; walwrap1 capture; app1 insert 1 20; app1 end-read; walwrap1 capture"},
    {kQuiet, "app1 close; walwrap1 capture; app1 open; app1 insert 1 20"},
    {std::string(kStored),
     "app1 close; walwrap1 capture; app1 once 1 20; walwrap1 capture; walwrap1 upload"},
    {std::string(kStored), "app1 journal 0; app1 insert 1 20; walwrap1 capture; walwrap1 upload"},
    // Snapshots and a stop.
    {std::string(kStored), "walwrap1 snapshot; walwrap1 capture; walwrap1 upload"},
    {std::string(kStored),
     "app1 insert 1 20; walwrap1 snapshot; walwrap1 capture; walwrap1 upload; "
     "walwrap1 stop"},
    {std::string(kStored), "app1 insert 1 20; app1 close; walwrap1 stop"},
    // A restart of walwrap beside its app.
    {std::string(kStored),
     "app1 insert 1 20; walwrap1 kill; walwrap1 start; app1 insert 1 20; "
     "walwrap1 confirm"},
    {std::string(kStored),
     "walwrap1 kill; app1 checkpoint 3; app1 insert 1 20; walwrap1 start; "
     "walwrap1 capture"},
    {std::string(kStored), "app1 insert 1 20; app1 kill; app1 open; walwrap1 capture"},
    // One run after the other.
    {kStopped, "walwrap1 start; app1 open; app1 insert 1 20; walwrap1 stop"},
    {kKilled, "walwrap1 start; app1 open; app1 insert 1 20; walwrap1 confirm"},
    {std::string(kStored), "host1 power-loss 1; walwrap1 start; app1 open; app1 insert 1 20"},
    {std::string(kStored), "app1 insert 1 20; walwrap1 stop; walwrap1 start; walwrap1 stop"},
    {kStopped, "host1 drop-state; walwrap1 start; app1 open; app1 insert 1 20"},
    {std::string(kStored), "app1 backup; app1 insert 1 20; app1 close; app1 put-rename; app1 open"},
    // One host after the other.
    {kGone, "walwrap1 start; app1 open; app1 insert 1 20; walwrap1 confirm"},
    {kGone, "walwrap2 start; app3 open; app3 insert 1 20; walwrap2 confirm"},
    {kStopped, "walwrap2 start; app3 open; app3 insert 1 20; walwrap2 stop; walwrap1 start"},
    {kKilled, "walwrap2 start; app3 open; app3 insert 1 20; walwrap2 confirm; walwrap1 start"},
    // Two hosts side by side: one of them is refused, or stops to store.
    {std::string(kStored),
     "walwrap2 start; app3 open; app3 insert 1 20; walwrap2 confirm; app1 insert 1 20; "
     "walwrap1 confirm"},
    {std::string(kStored), "app1 insert 1 20; walwrap2 start; walwrap1 confirm; walwrap2 stop"},
};

bool at_files(Point point) {
  return point != Point::Lock && point != Point::Store && point != Point::Sleep;
}
bool at_growth(Point point) {
  return point == Point::Write || point == Point::Size || point == Point::Name;
}

const std::vector<Event> kFaults = {
    {"walwrap kill", at_changes},      {"app kill", at_changes},
    {"host power-loss 1", at_changes}, {"walwrap break 1 0", at_files},
    {"app break 1 0", at_files},       {"walwrap break 1 1", at_growth},
    {"app break 1 1", at_growth},      {"host fill", at_growth},
    {"store fail 1 0", at_store},      {"store fail 1 2", at_store},
    {"store fail 1 3", at_store},      {"store late 2", at_store},
    {"store twice 0", at_store},       {"store down", at_store},
    {"host partition", at_store},
};

}  // namespace

bool at_changes(Point point) {
  return point != Point::Read && point != Point::Lock;
}
bool at_store(Point point) {
  return point == Point::Store;
}
const std::vector<Canonical>& canonical_histories() {
  return kHistories;
}

const std::vector<Event>& canonical_faults() {
  return kFaults;
}

}  // namespace walwrap::simulation
