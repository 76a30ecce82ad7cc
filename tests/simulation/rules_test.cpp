// Histories in which one rule of the product decides, and which chance seldom makes. Most of them
// go wrong without it: tests/simulation/mutant_table.py takes the rules away.
#include <fmt/format.h>

#include <string>

#include "tests/simulation/script.hpp"

namespace walwrap::simulation {
namespace {

TEST_CASE("a bucket that lost its newest upload is not reported as stored") {
  CHECK_SCRIPT(R"(
    world 1 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
    store expire 1
    walwrap1 stop
  )");
}

TEST_CASE("a directory that lost its newest upload gets it once more before the stop") {
  CHECK_SCRIPT(R"(
    world 1 1024 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
    store expire 1
    walwrap1 stop
  )");
}

TEST_CASE("a client is told that it is stored when the replica has been looked at") {
  CHECK_SCRIPT(R"(
    world 1 1024 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 capture
    walwrap1 upload
    walwrap1 capture
    clock pass 3000
    store expire 1
    walwrap1 confirm
    host1 wipe
    walwrap1 start
    app1 open
  )");
}

TEST_CASE("no upload follows one that is lost") {
  CHECK_SCRIPT(R"(
    world 1 1024 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
    store expire 1
    app1 insert 1 20
    walwrap1 confirm
    host1 wipe
    walwrap1 start
    app1 open
  )");
}

TEST_CASE("a chain that lost its first file is not reported as stored") {
  CHECK_SCRIPT(R"(
    world 1 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
    store expire 0
    walwrap1 stop
  )");
}

TEST_CASE("a chain that lost a file in its middle is mended by a snapshot") {
  CHECK_SCRIPT(R"(
    world 1 1024 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
    store expire 1
    clock pass 700000
    walwrap1 upload
    walwrap1 capture
    walwrap1 upload
    app1 insert 1 20
    walwrap1 confirm
    walwrap1 stop
  )");
}

// Readers that follow each other leave walwrap's checkpoints no pause: it lends the lock.
constexpr std::string_view kUntilLent = R"(
walwrap1 start
app1 open
app2 open
app1 autocheckpoint 1
app1 insert 1 20
walwrap1 confirm
app2 read
app1 insert 30 3000
walwrap1 capture
walwrap1 upload
)";
constexpr std::string_view kNoPause = R"(
app2 end-read
app2 read
app1 insert 1 20
clock pass 6
walwrap1 capture
walwrap1 upload
)";
constexpr int kPasses = 5;
constexpr std::string_view kLends = R"(
app2 end-read
app1 insert 1 20
clock pass 6
walwrap1 capture
walwrap1 capture
walwrap1 upload
)";
constexpr int kApart = 4;  // points between the commits in the middle of it

// Tries commits at all points of a lending, with `before` at the point of the first one.
void check_lending(std::string_view before) {
  Plan plan{.seed = 1, .page_size = 1024, .is_bucket = false, .steps = {}};
  std::string script(kUntilLent);
  for (int i = 0; i < kPasses; ++i) script += kNoPause;
  plan.steps = parse_steps(script + std::string(kLends));
  const auto whole = simulate(plan);
  REQUIRE(whole.wrong == "");
  const auto lends = plan.steps.size() - 3;
  const auto check = [&](int first, int second, int third) {
    const auto events = parse_steps(
        fmt::format("@{0} app1 insert 1 20\n{1}@{2} app1 insert 1 20\n@{3} app1 insert 1 20", first,
                    before.empty() ? "" : fmt::format("@{} {}\n", first, before), second, third));
    Plan with = plan;
    with.steps.insert(with.steps.begin() + static_cast<std::ptrdiff_t>(lends), events.begin(),
                      events.end());
    const auto report = simulate(with);
    INFO(report.trace);
    CHECK(report.wrong == "");
  };
  const auto count = static_cast<int>(whole.points_of.at(lends).size());
  for (int first = 1; first <= count; ++first) {
    for (int second = first; second <= first + kApart; ++second) {
      for (int third = second; third <= second + kApart; ++third) check(first, second, third);
    }
  }
}

TEST_CASE("no commits at any points of a lending are missed") {
  check_lending("");
}

TEST_CASE("locks that are lost in the middle of a lending cost no commit") {
  check_lending("walwrap1 lose-locks");
}

constexpr std::string_view kUntilKilled = R"(
walwrap1 start
app1 open
app1 insert 3 200
walwrap1 confirm
app1 update 2 200
walwrap1 capture
)";
constexpr std::string_view kAfterKilled = R"(
walwrap1 start
app1 insert 1 20
app1 update 3 900
walwrap1 capture
walwrap1 upload
app1 insert 1 20
walwrap1 confirm
)";
constexpr int kLatest = 16;  // calls of the store later

TEST_CASE("a late request of a killed walwrap is its own, and not what the next one stores") {
  for (int calls = 1; calls <= kLatest; ++calls) {
    Plan plan{.seed = 1, .page_size = 1024, .is_bucket = true, .steps = {}};
    const auto in_the_middle =
        fmt::format("store late {}\n@3 walwrap1 kill\nwalwrap1 upload\n", calls);
    plan.steps = parse_steps(std::string(kUntilKilled) + in_the_middle + std::string(kAfterKilled));
    const auto report = simulate(plan);
    INFO(calls, " ", report.trace);
    CHECK(report.wrong == "");
  }
}

TEST_CASE("a compacted file has what was stored only once since the one before it") {
  // The first compacted file comes somewhere in these.
  for (const int uploads : {57, 58, 59, 60, 61, 62, 63}) {
    Plan plan{.seed = 1, .page_size = 512, .is_bucket = false, .steps = {}};
    plan.steps = parse_steps(fmt::format(R"(
      walwrap1 start
      app1 open
      app1 insert 20 200
      walwrap1 confirm
      walwrap1 many {}
      app1 insert 3 200
      walwrap1 confirm
      walwrap1 many 65
    )",
                                         uploads));
    const auto report = simulate(plan);
    INFO(uploads, " ", report.trace);
    CHECK(report.wrong == "");
  }
}

TEST_CASE("a stop without a database is not reported as stored") {
  CHECK_SCRIPT(R"(
    world 1 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 close
    clock pass 3000
    walwrap1 capture
    app1 remove
    walwrap1 stop
  )");
}

constexpr int kDisks = 24;  // that one loss of power may leave

TEST_CASE("a database whose WAL was deleted after a crash is older than what was stored") {
  for (int disk = 1; disk <= kDisks; ++disk) {
    Plan plan{.seed = 1, .page_size = 1024, .is_bucket = disk % 2 == 0, .steps = {}};
    plan.steps = parse_steps(fmt::format(R"(
      walwrap1 start
      app1 open
      app1 insert 30 400
      walwrap1 confirm
      app1 close
      clock pass 3000
      walwrap1 capture
      clock pass 3000
      walwrap1 capture
      app1 open
      app1 update 30 400
      walwrap1 confirm
      clock pass {}
      walwrap1 upload
      host1 power-loss {}
      host1 drop-sidecars
      walwrap1 start
      app1 open
      app1 insert 1 20
      walwrap1 confirm
    )",
                                         disk % 3 == 0 ? 10 : 6000, disk));
    const auto report = simulate(plan);
    INFO(disk, " ", report.trace);
    CHECK(report.wrong == "");
  }
}

TEST_CASE("a WAL is not laid over a database that was put in place after a crash") {
  for (int disk = 1; disk <= kDisks; ++disk) {
    Plan plan{.seed = 1, .page_size = 1024, .is_bucket = disk % 2 == 0, .steps = {}};
    plan.steps = parse_steps(fmt::format(R"(
      walwrap1 start
      app1 open
      app1 insert 10 400
      app1 backup
      app1 insert 30 400
      walwrap1 confirm
      app1 close
      clock pass 3000
      walwrap1 capture
      clock pass 3000
      walwrap1 capture
      app1 open
      app1 sync 1
      app1 update 2 400
      walwrap1 confirm
      clock pass 6000
      walwrap1 upload
      host1 power-loss {}
      host1 put-rename
      walwrap1 start
      app1 open
      app1 insert 1 20
      walwrap1 confirm
    )",
                                         disk));
    const auto report = simulate(plan);
    INFO(disk, " ", report.trace);
    CHECK(report.wrong == "");
  }
}

TEST_CASE("a start that is refused leaves a database as it is") {
  CHECK_SCRIPT(R"(
    world 1 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    app1 backup
    app1 insert 30 400
    walwrap1 confirm
    walwrap1 stop
    host1 drop-state
    host1 put-rename
    walwrap1 start
  )");
}

TEST_CASE("a compacted file has the pages of which no record is intact") {
  CHECK_SCRIPT(R"(
    world 1 512 directory
    walwrap1 start
    app1 open
    app1 insert 20 200
    walwrap1 confirm
    walwrap1 many 65
    app1 insert 3 200
    walwrap1 confirm
    walwrap1 stop
    host1 spoil-sums
    walwrap1 start
    app1 open
    walwrap1 many 65
    walwrap1 many 65
  )");
}

}  // namespace
}  // namespace walwrap::simulation
