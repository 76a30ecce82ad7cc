// Histories in which somebody changes the files of a database that an app has open. No flush is Ok
// unless a restore equals the file at the path: docs/operations.md has a table of what happens.
#include "tests/simulation/script.hpp"

namespace walwrap::simulation {
namespace {

TEST_CASE("files that change while an app has them open never make a flush that is wrong") {
  const auto changes = {"unlink 0", "unlink 1",  "unlink 2", "swap 0", "swap 1",
                        "swap 2",   "overwrite", "cut 0",    "cut 1"};
  for (const std::string change : changes) {
    CHECK_SCRIPT(fmt::format(R"(
      world 16 1024 bucket
      walwrap1 start
      app1 open
      app1 insert 3 200
      app1 backup
      app1 insert 3 900
      walwrap1 confirm
      app1 insert 1 20
      host1 {0}
      walwrap1 capture
      app1 insert 1 20
      walwrap1 capture
      walwrap1 upload
      walwrap1 stop
      walwrap1 start
      app1 open
      app1 insert 1 20
      walwrap1 confirm
    )",
                             change));
    for (const int point : {1, 7, 20}) {
      CHECK_SCRIPT(fmt::format(R"(
        world 17 1024 directory
        walwrap1 start
        app1 open
        app1 insert 3 200
        app1 backup
        app1 insert 3 900
        walwrap1 confirm
        app1 insert 1 20
        @{1} host1 {0}
        walwrap1 capture
        @{1} host1 {0}
        walwrap1 stop
        walwrap1 start
        app1 open
        app1 insert 1 20
        walwrap1 confirm
      )",
                               change, point));
    }
  }
}

}  // namespace
}  // namespace walwrap::simulation
