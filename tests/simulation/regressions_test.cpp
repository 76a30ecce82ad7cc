// Histories that once went wrong, or that show how a script is written. A failure of the random
// histories or of the small worlds prints one to paste here.
#include "tests/simulation/script.hpp"

namespace walwrap::simulation {
namespace {

TEST_CASE("an app that writes in the middle of a capture loses nothing") {
  CHECK_SCRIPT(R"(
    world 1 1024 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 update 3 900
    @5 app1 insert 1 40
    walwrap1 capture
    walwrap1 upload
    walwrap1 confirm
  )");
}

TEST_CASE("a host that loses its power during an upload comes back with what was stored") {
  CHECK_SCRIPT(R"(
    world 2 1024 bucket
    walwrap1 start
    app1 open
    app1 sync 1
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 3 200
    walwrap1 capture
    @4 host1 power-loss 7
    walwrap1 upload
    walwrap1 start
    app1 open
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("a put whose answer is lost, and which lands late, is this walwrap's own upload") {
  CHECK_SCRIPT(R"(
    world 3 4096 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    store late 3
    walwrap1 capture
    walwrap1 upload
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("a database that is replaced by a backup while no app has it open is stored as it is") {
  CHECK_SCRIPT(R"(
    world 4 1024 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    app1 backup
    app1 insert 3 200
    walwrap1 confirm
    app1 close
    app1 put-rename
    app1 open
    walwrap1 confirm
    host1 wipe
    walwrap1 start
    app1 open
  )");
}

TEST_CASE("an app that dies in the middle of a commit leaves a database that is stored") {
  CHECK_SCRIPT(R"(
    world 5 512 directory
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    @9 app1 kill
    app1 insert 30 400
    app1 open
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("two walwraps on one replica do not lose what either of them has confirmed") {
  CHECK_SCRIPT(R"(
    world 6 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    walwrap2 start
    app3 open
    app3 insert 1 20
    walwrap2 confirm
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("compacted files restore what the uploads do") {
  CHECK_SCRIPT(R"(
    world 7 512 directory
    walwrap1 start
    app1 open
    app1 insert 20 200
    walwrap1 confirm
    walwrap1 many 65
    walwrap1 many 65
    walwrap1 many 65
  )");
}

TEST_CASE("a start without its store continues when the store is back") {
  CHECK_SCRIPT(R"(
    world 2314 512 directory
    walwrap1 start
    app1 open
    walwrap1 stop
    store down
    walwrap1 start
    walwrap1 confirm
  )");
}

TEST_CASE("a journal that a loss of power brings back does not undo what is stored") {
  CHECK_SCRIPT(R"(
    world 213170 8192 bucket
    walwrap1 start
    app1 open
    app1 insert 30 400
    app1 journal 0
    app1 insert 1 20
    walwrap1 confirm
    host1 power-loss 146
  )");
}

TEST_CASE("a flush that reaches its store last reports the TXID that is there") {
  CHECK_SCRIPT(R"(
    world 210645 2048 directory
    walwrap1 start
    app1 open
    app1 close
    clock pass 3000
    app1 put-rename
    app1 open
    app1 insert 1 20
    walwrap1 confirm
    store fail 1 1
    host1 power-loss 1
    walwrap1 start
  )");
}

TEST_CASE("a host that cannot reach the store stores everything once it can") {
  CHECK_SCRIPT(R"(
    world 8 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 3 200
    walwrap1 capture
    @2 host1 partition
    walwrap1 upload
    app1 insert 1 20
    walwrap1 confirm
    walwrap2 start
    host1 heal
    walwrap1 confirm
  )");
}

TEST_CASE("a put that the network repeats is this walwrap's own upload") {
  for (const int calls : {0, 1, 3}) {
    CHECK_SCRIPT(fmt::format(R"(
      world 9 1024 bucket
      walwrap1 start
      store twice {0}
      app1 open
      app1 insert 3 200
      walwrap1 confirm
      store twice {0}
      app1 insert 1 20
      walwrap1 confirm
      store twice {0}
      walwrap1 snapshot
      walwrap1 confirm
      app1 insert 1 20
      walwrap1 confirm
    )",
                             calls));
  }
}

TEST_CASE("a put that lands after later ones changes nothing") {
  CHECK_SCRIPT(R"(
    world 10 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    app1 insert 1 20
    store late 9
    walwrap1 capture
    walwrap1 upload
    walwrap1 kill
    walwrap1 start
    app1 insert 1 20
    walwrap1 confirm
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("a file that a lifecycle rule removes is replaced by a snapshot") {
  for (const int number : {0, 1, 2}) {
    CHECK_SCRIPT(fmt::format(R"(
      world 11 1024 bucket
      walwrap1 start
      app1 open
      app1 insert 3 200
      walwrap1 confirm
      app1 insert 1 20
      walwrap1 confirm
      app1 insert 1 20
      walwrap1 confirm
      store expire {}
      walwrap1 confirm
      app1 insert 1 20
    )",
                             number));
  }
}

TEST_CASE("a walwrap whose disk fails once disturbs no app, and stores everything afterwards") {
  for (const int kind : {0, 1, 2}) {
    for (const int point : {1, 3, 9}) {
      CHECK_SCRIPT(fmt::format(R"(
        world 12 1024 directory
        walwrap1 start
        app1 open
        app1 insert 3 200
        walwrap1 confirm
        app1 insert 3 200
        @{0} walwrap1 break 2 {1}
        walwrap1 capture
        @{0} walwrap1 break 2 {1}
        walwrap1 upload
        app1 insert 1 20
        walwrap1 confirm
      )",
                               point, kind));
    }
  }
}

TEST_CASE("a full disk stops neither the app's reads nor what is stored once it has space") {
  CHECK_SCRIPT(R"(
    world 13 1024 bucket
    walwrap1 start
    app1 open
    app1 insert 3 200
    walwrap1 confirm
    host1 fill
    app1 insert 30 900
    walwrap1 capture
    walwrap1 upload
    host1 free
    app1 insert 1 20
    walwrap1 confirm
    host1 fill
    walwrap1 stop
    walwrap1 start
    host1 free
    walwrap1 start
    app1 open
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("a commit that fails because of the app's disk is stored only if it is there") {
  for (const int point : {1, 5, 9, 12, 15, 18, 21}) {
    CHECK_SCRIPT(fmt::format(R"(
      world 14 1024 bucket
      walwrap1 start
      app1 open
      app1 sync 1
      app1 insert 3 200
      walwrap1 confirm
      @{} app1 break 1 0
      app1 insert 3 900
      walwrap1 capture
      walwrap1 upload
      app1 kill
      app1 open
      app1 insert 1 20
      walwrap1 confirm
    )",
                             point));
  }
}

TEST_CASE("a restore at the time of an upload has what the app had then") {
  CHECK_SCRIPT(R"(
    world 15 512 bucket
    walwrap1 start
    app1 open
    app1 insert 20 200
    walwrap1 confirm
    clock pass 60000
    walwrap1 many 40
    clock jump 3600000
    app1 insert 1 20
    walwrap1 confirm
  )");
}

TEST_CASE("a checkpoint after which the file cannot be read is no write of another program") {
  CHECK_SCRIPT(R"(
    world 213733 512 bucket
    walwrap1 start
    app1 open
    app1 kill
    walwrap1 capture
    clock pass 70000
    walwrap1 capture
    walwrap1 upload
    app1 once 0 20
    walwrap1 capture
    @11 walwrap1 break 2 0
    walwrap1 confirm
  )");
}

}  // namespace
}  // namespace walwrap::simulation
