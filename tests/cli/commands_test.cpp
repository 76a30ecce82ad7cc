#include "walwrap/cli/commands.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"
#include "walwrap/cli/args.hpp"
#include "walwrap/cli/help.hpp"

using namespace walwrap;
using namespace walwrap::cli;
using testing::has;
using testing::text_of;

namespace {

struct Outcome {
  std::string exit_code;
  std::string output;
  std::string errors;
};

// What main() does, in a process of its own, with its output in files.
Outcome call(const std::vector<std::string>& words,
             std::vector<std::string> environment = {"PATH=/usr/bin:/bin"}) {
  const testing::TempDir dir;
  Outcome outcome;
  outcome.exit_code = testing::in_child([&]() -> std::string {
    const auto signals = os::SignalState::capture_and_block();
    // Beneath stdio, whose buffers still hold what the test program wrote.
    ::dup2(::creat((dir / "out").c_str(), 0600), STDOUT_FILENO);
    ::dup2(::creat((dir / "err").c_str(), 0600), STDERR_FILENO);
    os::Inherited inherited;  // nothing: the test needs its descriptors
    const os::SystemClock clock;
    const Process process{signals, inherited, environment, clock};
    const auto asked = parse_arguments(words);
    return std::to_string(
        std::visit([&](const auto& arguments) { return execute(arguments, process); }, asked));
  });
  outcome.output = text_of(dir / "out");
  outcome.errors = text_of(dir / "err");
  return outcome;
}

}  // namespace

TEST_CASE("help and version are printed on standard output with exit code 0") {
  const auto help = call({"help"});
  CHECK(help.exit_code == "0");
  CHECK(help.output == format_help(""));
  CHECK(help.errors.empty());
  const auto version = call({"--version"});
  CHECK(version.exit_code == "0");
  CHECK(has(version.output, "walwrap 0."));
}

TEST_CASE("a mistake prints one line on standard error that begins with walwrap's name") {
  struct Row {
    std::vector<std::string> words;
    std::vector<std::string> environment;
    const char* exit_code;
    const char* expected;
  };
  const Row rows[] = {
      {{}, {}, "125", "walwrap: no command to run"},
      {{"ls"}, {}, "2", "walwrap: unknown command \"ls\""},
      {{"--grace", "soon", "true"}, {}, "125", "walwrap: grace: \"soon\" from --grace"},
      {{"true"}, {"WALWRAP_GRASE=5s"}, "125", "did you mean WALWRAP_GRACE?"},
      {{"--config", "/no/such/file", "true"}, {}, "125", "/no/such/file"},
      {{"--db", "/a=gopher://x", "true"}, {}, "125", "replica of /a"},
      {{"restore"}, {}, "2", "walwrap: restore needs --replica URL"},
  };
  for (const Row& row : rows) {
    const auto outcome = call(row.words, row.environment);
    CAPTURE(outcome.errors);
    CHECK(outcome.exit_code == row.exit_code);
    CHECK(has(outcome.errors, row.expected));
    CHECK(outcome.output.empty());
    CHECK(outcome.errors.find('\n') + 1 == outcome.errors.size());
  }
}

TEST_CASE("without a replica the app runs, and a warning says that nothing is stored") {
  const auto outcome = call({"--", "sh", "-c", "echo hello; exit 7"});
  CHECK(outcome.exit_code == "7");
  CHECK(outcome.output == "hello\n");
  CHECK(has(outcome.errors, "level=warn msg=\"no replica configured, nothing is stored;"));
}

TEST_CASE("the app gets the environment that walwrap inherited") {
  const auto outcome = call({"env"}, {"PATH=/usr/bin:/bin", "WALWRAP_LOG_LEVEL=error", "X=a b"});
  CHECK(outcome.exit_code == "0");
  CHECK(outcome.output == "PATH=/usr/bin:/bin\nWALWRAP_LOG_LEVEL=error\nX=a b\n");
  CHECK_FALSE(has(outcome.errors, "level=info"));
}
