#include "walwrap/cli/ask_command.hpp"

#include <doctest/doctest.h>

#include "tests/support/api_rig.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::cli {
namespace {

using testing::ApiRig;

struct Said {
  int exit_code = -1;
  std::string out;
  std::string complaint;
};

Said ask_rig(const os::Path& socket, AskArguments arguments) {
  Said said;
  const os::SystemClock clock;
  arguments.socket = socket.native();
  said.exit_code = ask(arguments, {.clock = clock,
                                   .say = [&](std::string_view text) { said.out += text; },
                                   .complain = [&](auto text) { said.complaint += text; },
                                   .cancelled = [] { return false; }});
  return said;
}

AskArguments question(Question what) {
  AskArguments arguments;
  arguments.question = what;
  arguments.timeout = std::chrono::seconds(10);
  return arguments;
}

TEST_CASE("status prints the status, and status --check only sets the exit code") {
  ApiRig rig;
  const auto shown = ask_rig(rig.path, question(Question::Status));
  CHECK(shown.exit_code == 0);
  CHECK(shown.out.find("app.db: ") != std::string::npos);
  auto check = question(Question::Status);
  check.check = true;
  const auto checked = ask_rig(rig.path, check);
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.empty());
  auto json = question(Question::Status);
  json.json = true;
  CHECK(ask_rig(rig.path, json).out.find("{\"version\":\"test\"") == 0);
}

TEST_CASE("a wait exits with 0 when it is stored and with 1 when it times out") {
  ApiRig rig;
  const os::Thread capture(
      "capture",
      [&] {
        if (rig.is_asked(1)) rig.look(5, 5);
      },
      [](std::string_view) {});
  const auto stored = ask_rig(rig.path, question(Question::Wait));
  CHECK(stored.exit_code == 0);
  CHECK(stored.out == "stored, txid 0000000000000000\n");
  auto late = question(Question::Flush);
  late.timeout = std::chrono::milliseconds(50);
  const auto not_stored = ask_rig(rig.path, late);
  CHECK(not_stored.exit_code == 1);
  CHECK(not_stored.complaint.find("Not stored in time") != std::string::npos);
}

TEST_CASE("a malformed question exits with 2, an unanswered one with 3") {
  ApiRig rig;
  auto wrong = question(Question::Wait);
  wrong.position = "now";
  CHECK(ask_rig(rig.path, wrong).exit_code == 2);
  const auto nobody = ask_rig(rig.directory / "other.sock", question(Question::Wait));
  CHECK(nobody.exit_code == 3);
  CHECK(nobody.complaint.find("check that walwrap runs here") != std::string::npos);
}

TEST_CASE("a signal ends a wait at once and without an error message") {
  ApiRig rig;
  const os::SystemClock clock;
  Said said;
  auto arguments = question(Question::Wait);
  arguments.socket = rig.path.native();
  said.exit_code = ask(arguments, {.clock = clock,
                                   .say = [&](std::string_view text) { said.out += text; },
                                   .complain = [&](auto text) { said.complaint += text; },
                                   .cancelled = [] { return true; }});
  CHECK(said.exit_code != 0);
  CHECK(said.out.empty());
  CHECK(said.complaint.empty());
}

TEST_CASE("--json prints the server's answer unchanged, also a problem") {
  ApiRig rig;
  auto late = question(Question::Wait);
  late.json = true;
  late.timeout = std::chrono::milliseconds(50);
  const auto shown = ask_rig(rig.path, late);
  CHECK(shown.exit_code == 1);
  CHECK(shown.out.starts_with("{\"type\":\"/problems/timed-out\""));
  CHECK(shown.complaint.starts_with("walwrap: Not stored in time: "));
}

TEST_CASE("a question without a socket says how to give one") {
  Said said;
  const os::SystemClock clock;
  said.exit_code = ask({}, {.clock = clock,
                            .say = [](std::string_view) {},
                            .complain = [&](auto text) { said.complaint += text; },
                            .cancelled = [] { return false; }});
  CHECK(said.exit_code == 2);
  CHECK(said.complaint.find("WALWRAP_DB") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::cli
