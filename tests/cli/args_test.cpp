#include "walwrap/cli/args.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "tests/support/text.hpp"
#include "walwrap/config/settings.hpp"

using namespace walwrap;
using namespace walwrap::cli;
using config::FlagValue;
using testing::has;

namespace {

using Words = std::vector<std::string>;

template <typename Wanted>
Wanted parse_as(const Words& words) {
  auto parsed = parse_arguments(words);
  if (const auto* error = std::get_if<UsageError>(&parsed)) {
    INFO("usage error: " << error->text);
    REQUIRE(std::holds_alternative<Wanted>(parsed));
  }
  REQUIRE(std::holds_alternative<Wanted>(parsed));
  return std::get<Wanted>(std::move(parsed));
}

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const Words kRestore = {"restore", "--replica", "file:///r", "--output", "out.db"};

}  // namespace

TEST_CASE("options end at -- or at the first word that is not an option, and the app follows") {
  struct Row {
    Words words;
    std::vector<FlagValue> flags;
    Words command;
  };
  const Row rows[] = {
      {{"./app"}, {}, {"./app"}},
      {{"--", "./app"}, {}, {"./app"}},
      {{"run", "./app"}, {}, {"./app"}},
      {{"run-beside", "--db", "a.db", "--", "./app"}, {{"--db", "a.db"}}, {"./app"}},
      {{"run", "--grace", "5s", "--", "run"}, {{"--grace", "5s"}}, {"run"}},
      {{"./app", "--grace", "5s", "--", "--help"}, {}, {"./app", "--grace", "5s", "--", "--help"}},
      {{"--", "--", "app"}, {}, {"--", "app"}},
      {{"--", "-v"}, {}, {"-v"}},
      {{"--", "restore"}, {}, {"restore"}},
      {{"--", "ls", "-l"}, {}, {"ls", "-l"}},
      {{"-", "x"}, {}, {"-", "x"}},
      {{"", "x"}, {}, {"", "x"}},
      {{"--db", "a.db", "--replica=file:///r", "app", "a b"},
       {{"--db", "a.db"}, {"--replica", "file:///r"}},
       {"app", "a b"}},
      {{"--db", "/a=file:///a", "--db=/b=file:///b?x=1", "--", "app"},
       {{"--db", "/a=file:///a"}, {"--db", "/b=file:///b?x=1"}},
       {"app"}},
      {{"--scrub-env", "--allow-empty-replica=false", "app"},
       {{"--scrub-env", ""}, {"--allow-empty-replica", "false"}},
       {"app"}},
      {{"-v", "--verbose", "app"}, {{"--log-level", "debug"}, {"--log-level", "debug"}}, {"app"}},
      {{"-q", "--quiet", "app"}, {{"--log-level", "warn"}, {"--log-level", "warn"}}, {"app"}},
      {{"--db", "-odd.db", "app"}, {{"--db", "-odd.db"}}, {"app"}},
      {{"--db=--odd.db", "app"}, {{"--db", "--odd.db"}}, {"app"}},
  };
  for (const Row& row : rows) {
    const auto run = parse_as<RunArguments>(row.words);
    CHECK(run.flags == row.flags);
    CHECK(run.command == row.command);
    CHECK(run.beside == (row.words.front() == "run-beside"));
  }
}

TEST_CASE("a mistake before an app exits with 125, in other commands with 2, each with a hint") {
  struct Row {
    Words words;
    int exit_code;
    const char* expected;
  };
  const Row rows[] = {
      {{}, 125, "no command to run: walwrap [options] -- command"},
      {{"--"}, 125, "no command to run"},
      {{"--grace", "5s"}, 125, "no command to run"},
      {{"run"}, 125, "no command to run"},
      {{"--grase", "5s", "app"}, 125, "unknown flag --grase; did you mean --grace?"},
      {{"--elephants=1", "app"}, 125, "unknown flag --elephants; `walwrap help` lists them all"},
      {{"-x", "app"}, 125, "unknown flag -x"},
      {{"--grace"}, 125, "--grace needs a value: --grace VALUE or --grace=VALUE"},
      {{"--grace", "--", "app"}, 125, "--grace needs a value"},
      {{"--db", "--replica", "file:///r", "app"}, 125, "--db needs a value"},
      {{"--replica=", "app"}, 125, "--replica needs a value that is not empty"},
      {{"--replica", "", "app"}, 125, "--replica needs a value that is not empty"},
      {{"--config", "f", "restore"}, 125, "\"restore\" after options"},
      {{"-v", "ls"}, 125, "write -- before it"},
      {{"ls"}, 2, "unknown command \"ls\": `walwrap help` lists the commands"},
      {{"ls", "-l"}, 2, "write: walwrap -- ls"},
      {{"verify"}, 2, "unknown command"},
      {{"status", "now"}, 2, "status: unknown argument \"now\""},
      {{"wait", "--timeout", "soon"}, 2, "--timeout: \"soon\" is not a duration"},
      {{"snapshot", "--position=p"}, 2, "snapshot: unknown argument"},
      {{"doctor", "/bin/app"}, 2, "runs no app"},
      {{"doctor", "--", "app"}, 2, "runs no app"},
      {{"doctor", "--grase=5s"}, 2, "--grace"},
      {{"help", "ls"}, 2, "unknown command \"ls\""},
      {{"help", "a", "b"}, 2, "help takes at most one command"},
      {{"version", "x"}, 2, "version takes no arguments"},
      {{"restore"}, 2, "restore needs --replica URL"},
      {{"restore", "--output", "x"}, 2, "restore needs --replica URL"},
      {{"restore", "--replica", "file:///r"}, 2, "restore needs --output FILE"},
      {with(kRestore, {"--txid", "1"}), 2, "--txid: \"1\" is not a TXID"},
      {with(kRestore, {"--txid", "0000000000000000"}), 2, "is not a TXID"},
      {with(kRestore, {"--txid", "000000000000000G"}), 2, "is not a TXID"},
      {with(kRestore, {"--timestamp", "yesterday"}), 2, "--timestamp: \"yesterday\" is not a time"},
      {with(kRestore, {"--integrity", "some"}), 2, "is not one of none|quick|full"},
      {with(kRestore, {"--if-absent", "--force"}), 2, "exclude each other"},
      {with(kRestore, {"--force=yes"}), 2, "the option takes no value"},
      {with(kRestore, {"--txid", "0000000000000001", "--timestamp", "2026-01-31T12:00:00Z"}), 2,
       "exclude each other"},
      {with(kRestore, {"--if-absnet"}), 2,
       "restore: unknown argument \"--if-absnet\"; did you mean "
       "--if-absent?"},
      {with(kRestore, {"extra"}), 2, "restore: unknown argument \"extra\""},
      {with(kRestore, {"--"}), 2, "restore: unknown argument \"--\""},
      {with(kRestore, {"--txid"}), 2, "--txid needs a value"},
  };
  for (const Row& row : rows) {
    const auto error = parse_as<UsageError>(row.words);
    CAPTURE(error.text);
    CHECK(error.exit_code == row.exit_code);
    CHECK(has(error.text, row.expected));
  }
}

TEST_CASE("restore takes a target, an action for an existing file, and a check") {
  const auto plain = parse_as<RestoreArguments>(kRestore);
  CHECK(plain.replica == "file:///r");
  CHECK(plain.output == "out.db");
  CHECK_FALSE(plain.txid.has_value());
  CHECK_FALSE(plain.timestamp.has_value());
  CHECK(plain.if_present == IfPresent::Refuse);
  CHECK(plain.integrity == config::Integrity::Quick);

  const auto by_txid = parse_as<RestoreArguments>(
      with(kRestore, {"--txid=00000000000000a1", "--force", "--integrity", "full"}));
  CHECK(by_txid.txid == Txid{0xa1});
  CHECK(by_txid.if_present == IfPresent::SetAside);
  CHECK(by_txid.integrity == config::Integrity::Full);

  const auto by_time = parse_as<RestoreArguments>(
      with(kRestore, {"--timestamp", "2026-01-01T00:00:01.25Z", "--if-absent"}));
  REQUIRE(by_time.timestamp.has_value());
  CHECK(resolve(*by_time.timestamp, {}).time_since_epoch().count() == 1'767'225'601'250);
  CHECK(by_time.if_present == IfPresent::Keep);

  const auto from_s3 = parse_as<RestoreArguments>(
      {"restore", "--replica", "s3://b/p?region=x", "--output", "o", "--ca-file", "/ca.pem"});
  CHECK(from_s3.replica == "s3://b/p?region=x");
  CHECK(from_s3.ca_file == "/ca.pem");
}

TEST_CASE("a secret in a mistyped restore command is not shown") {
  const auto error = parse_as<UsageError>(with(kRestore, {"--replca=s3://id:hunter2@bucket/x"}));
  CHECK_FALSE(has(error.text, "hunter2"));
}

TEST_CASE("every usual spelling of help and version works") {
  for (const Words& words : {Words{"help"}, Words{"--help"}, Words{"-h"}, Words{"-v", "--help"},
                             Words{"--db", "x", "-h"}, Words{"run", "--help"}}) {
    CHECK(parse_as<HelpArguments>(words).topic.empty());
  }
  CHECK(parse_as<HelpArguments>({"help", "restore"}).topic == "restore");
  CHECK(parse_as<HelpArguments>({"restore", "--help"}).topic == "restore");
  CHECK(parse_as<HelpArguments>({"restore", "--output", "x", "-h"}).topic == "restore");
  for (const Words& words : {Words{"version"}, Words{"--version"}, Words{"-v", "--version"}}) {
    parse_as<VersionArguments>(words);
  }
}
