#include "walwrap/supervisor/notifier.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace walwrap::supervisor {
namespace {

using Kind = Announcement::Kind;

struct Rig {
  testing::TempDir dir;
  std::vector<std::string> lines;
  Log log{{.minimum = LogLevel::Warn,
           .now = [] { return WallTime{}; },
           .sink = [this](std::string_view line) { lines.emplace_back(line); }}};
};

TEST_CASE("the ready file holds the app's pid from its start until a stop begins") {
  Rig rig;
  const auto path = rig.dir / "ready";
  REQUIRE(os::File::open(path, os::File::Open::CreateNew).has_value());  // of an earlier life
  Notifier notifier(
      {.manager_socket = {}, .app_says_ready = false, .ready_file = path, .ready_descriptor = {}},
      rig.log);
  CHECK_FALSE(os::exists(path));
  notifier.announce({.kind = Kind::Preparing});
  CHECK_FALSE(os::exists(path));
  notifier.announce({.kind = Kind::Ready, .app = os::Pid{42}});
  CHECK(as_text(os::read_file(path, 100).value()) == "42\n");
  notifier.announce({.kind = Kind::Alive});
  CHECK(os::exists(path));
  notifier.announce({.kind = Kind::Stopping});
  CHECK_FALSE(os::exists(path));
  CHECK(rig.lines.empty());
}

TEST_CASE("the ready descriptor gets a newline and is closed") {
  Rig rig;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const os::Fd reader(ends[0]);
  Notifier notifier({.manager_socket = {},
                     .app_says_ready = false,
                     .ready_file = {},
                     .ready_descriptor = os::Fd(ends[1])},
                    rig.log);
  std::array<char, 8> buffer{};
  CHECK(::read(reader.get(), buffer.data(), buffer.size()) < 0);
  notifier.announce({.kind = Kind::Ready, .app = os::Pid{42}});
  CHECK(::read(reader.get(), buffer.data(), buffer.size()) == 1);
  CHECK(buffer[0] == '\n');
  CHECK(::read(reader.get(), buffer.data(), buffer.size()) == 0);
}

TEST_CASE("a failed notification is logged, a missing service manager only once") {
  Rig rig;
  Notifier notifier({.manager_socket = (rig.dir / "nobody").string(),
                     .app_says_ready = false,
                     .ready_file = rig.dir / "nowhere" / "ready",
                     .ready_descriptor = {}},
                    rig.log);
  for (int i = 0; i < 3; ++i) notifier.announce({.kind = Kind::Alive});
  CHECK(rig.lines.size() == 1);
  notifier.announce({.kind = Kind::Ready, .app = os::Pid{42}});
  CHECK(rig.lines.size() == 2);
}

}  // namespace
}  // namespace walwrap::supervisor
