#include "walwrap/supervisor/service_manager.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/life.hpp"

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using Kind = Announcement::Kind;

TEST_CASE("walwrap sends what sd_notify would send") {
  CHECK(format_announcement({.kind = Kind::Preparing, .needed = 30s}) ==
        "STATUS=preparing the database\nEXTEND_TIMEOUT_USEC=30000000\n");
  CHECK(format_announcement({.kind = Kind::Ready, .app = os::Pid{42}}) ==
        "READY=1\nSTATUS=app running as 42\n");
  CHECK(format_announcement({.kind = Kind::Alive}) == "WATCHDOG=1\n");
  CHECK(format_announcement({.kind = Kind::Stopping, .needed = 90s}) ==
        "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=90000000\n");
}

TEST_CASE("walwrap feeds the watchdog if it has an interval, a socket and no other pid") {
  struct Row {
    Variables environment;
    bool listens;
    std::optional<std::chrono::microseconds> watchdog;
  };
  for (const Row& row : {
           Row{{}, false, {}},
           Row{{{"NOTIFY_SOCKET", ""}}, false, {}},
           Row{{{"NOTIFY_SOCKET", "/run/n"}}, true, {}},
           Row{{{"WATCHDOG_USEC", "3000000"}}, false, {}},
           Row{{{"NOTIFY_SOCKET", "/run/n"}, {"WATCHDOG_USEC", "3000000"}}, true, 3s},
           Row{{{"NOTIFY_SOCKET", "@n"}, {"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", "7"}},
               true,
               3s},
           Row{{{"NOTIFY_SOCKET", "@n"}, {"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", "8"}},
               true,
               {}},
           Row{{{"NOTIFY_SOCKET", "@n"}, {"WATCHDOG_USEC", "0"}}, true, {}},
           Row{{{"NOTIFY_SOCKET", "@n"}, {"WATCHDOG_USEC", "soon"}}, true, {}},
       }) {
    const auto rules = find_manager(row.environment, os::Pid{7});
    CHECK(rules.listens == row.listens);
    CHECK(rules.watchdog == row.watchdog);
  }
}

std::string heard(const Life& life) {
  std::string text;
  for (const Announcement& what : life.announced) {
    constexpr std::string_view kNames[] = {"preparing", "ready", "alive", "stopping"};
    text += fmt::format("{} ", kNames[static_cast<std::size_t>(what.kind)]);
  }
  return text;
}

TEST_CASE("walwrap asks the service manager for more time while it prepares") {
  Life life("manager", "due due");
  CHECK(life.now - Life::start == 2 * kPreparingInterval);
  CHECK(heard(life) == "preparing preparing preparing ");
  life.does("ready spawned");
  CHECK(heard(life) == "preparing preparing preparing ready ");
  CHECK(life.announced.back().app == os::Pid{42});
  CHECK(life.deadline_ms() == -1);  // an idle life costs nothing
}

TEST_CASE("the watchdog is fed twice per interval from the start to the end") {
  Life life("watchdog=4s grace=20s", "ready spawned due due");
  CHECK(life.now - Life::start == 4s);
  CHECK(heard(life) == "preparing alive ready alive alive ");
  life.does("TERM due");
  CHECK(life.now - Life::start == 6s);
  CHECK(heard(life) == "preparing alive ready alive alive stopping alive ");
  life.does("exited=0 left=0 drained=ok died");
  CHECK(life.deadline_ms() == -1);
}

TEST_CASE("every stop asks the service manager for its whole time") {
  Life asked("manager grace=20s", "ready spawned TERM");
  CHECK(heard(asked) == "preparing ready stopping ");
  CHECK(asked.announced.back().needed == 20s);
  Life by_itself("manager exit-flush=40s", "ready spawned exited=0");
  CHECK(heard(by_itself) == "preparing ready stopping ");
  CHECK(by_itself.announced.back().needed == 40s);
}

TEST_CASE("without a service manager only ready and stopping are announced") {
  const Life life("", "ready spawned TERM exited=0 left=0 drained=ok died");
  CHECK(heard(life) == "ready stopping ");
}

}  // namespace
}  // namespace walwrap::supervisor
