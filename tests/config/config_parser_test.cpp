#include "walwrap/config/config_parser.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/support/config_sources.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::config;
using testing::error_of;
using testing::from_environment;
using testing::from_flags;
using testing::from_toml;
using testing::has;

TEST_CASE("without any source every setting has its documented default") {
  const auto config = parse_config({});
  REQUIRE(config.has_value());
  CHECK(config->databases.empty());
  CHECK_FALSE(config->grace.has_value());
  CHECK_FALSE(config->start_timeout.has_value());
  CHECK(config->exit_flush_timeout == 30s);
  CHECK(config->replicate_interval == 0ms);
  CHECK(config->integrity == Integrity::Quick);
  CHECK(config->on_diverged == OnDiverged::Refuse);
  CHECK_FALSE(config->allow_empty_replica);
  CHECK(config->flush_failed_code == 74);
  CHECK(config->stop_signals == std::vector{SIGTERM, SIGINT});
  CHECK(config->app_oom == 500);
  CHECK(config->wal_limit == 64ULL << 20);
  CHECK(config->blocking_checkpoints == BlockingCheckpoints::Auto);
  CHECK(config->log_format == LogFormat::Logfmt);
  CHECK(config->log_level == LogLevel::Info);
}

TEST_CASE("the CA file comes from a flag, the environment or TOML") {
  CHECK(parse_config({})->ca_file.empty());
  CHECK(parse_config(from_toml("ca-file = \"/etc/ca.pem\"\n"))->ca_file == "/etc/ca.pem");
  auto sources = from_toml("ca-file = \"/etc/ca.pem\"\n");
  sources.environment["WALWRAP_CA_FILE"] = "ca.pem";
  CHECK(parse_config(sources)->ca_file == "ca.pem");
  sources.flags = {{"--ca-file", "/a.pem"}, {"--ca-file", "/b.pem"}};
  CHECK(parse_config(sources)->ca_file == "/b.pem");
}

TEST_CASE("flags override the environment, which overrides TOML, which overrides defaults") {
  struct Row {
    const char* toml;
    const char* environment;
    const char* flag;
    std::chrono::milliseconds expected;
  };
  const Row rows[] = {
      {"", "", "", 30s},    {"1s", "", "", 1s},   {"", "2s", "", 2s},   {"", "", "3s", 3s},
      {"1s", "2s", "", 2s}, {"1s", "", "3s", 3s}, {"", "2s", "3s", 3s}, {"1s", "2s", "3s", 3s},
  };
  for (const Row& row : rows) {
    CAPTURE(row.toml);
    CAPTURE(row.environment);
    CAPTURE(row.flag);
    Sources sources;
    if (*row.toml != '\0') {
      sources = from_toml("exit-flush-timeout = \"" + std::string(row.toml) + "\"\n");
    }
    // An empty variable counts as not set.
    sources.environment["WALWRAP_EXIT_FLUSH_TIMEOUT"] = row.environment;
    if (*row.flag != '\0') sources.flags.push_back({"--exit-flush-timeout", row.flag});
    const auto config = parse_config(sources);
    REQUIRE(config.has_value());
    CHECK(config->exit_flush_timeout == row.expected);
  }
}

TEST_CASE("the last of a repeated flag counts") {
  const auto config = parse_config(from_flags({{"--grace", "1s"}, {"--grace", "2s"}}));
  REQUIRE(config.has_value());
  CHECK(config->grace == 2s);
}

// A value of one setting, as each source has it.
struct SettingRow {
  const char* flag;
  const char* environment;
  const char* toml;  // the whole line, or table and line
  const char* value;
  bool (*is_set)(const Config&);
};

void check_each_source(std::span<const SettingRow> rows) {
  for (const SettingRow& row : rows) {
    CAPTURE(row.flag);
    const auto by_flag = parse_config(from_flags({{row.flag, row.value}}));
    REQUIRE(by_flag.has_value());
    CHECK(row.is_set(*by_flag));
    const auto by_environment = parse_config(from_environment(row.environment, row.value));
    REQUIRE(by_environment.has_value());
    CHECK(row.is_set(*by_environment));
    const auto by_toml = parse_config(from_toml(row.toml));
    REQUIRE(by_toml.has_value());
    CHECK(row.is_set(*by_toml));
    CHECK_FALSE(row.is_set(*parse_config({})));
  }
}

TEST_CASE("every setting can be given by flag, by environment and by TOML") {
  const SettingRow rows[] = {
      {"--grace", "WALWRAP_GRACE", "grace = \"1m30s\"", "1m30s",
       [](const Config& c) { return c.grace == 90s; }},
      {"--grace", "WALWRAP_GRACE", "grace = \"0\"", "0",
       [](const Config& c) { return c.grace == 0s; }},
      {"--start-timeout", "WALWRAP_START_TIMEOUT", "start-timeout = \"250ms\"", "250ms",
       [](const Config& c) { return c.start_timeout == 250ms; }},
      {"--replicate-interval", "WALWRAP_REPLICATE_INTERVAL", "[replicate]\ninterval = \"2s\"", "2s",
       [](const Config& c) { return c.replicate_interval == 2s; }},
      {"--integrity", "WALWRAP_INTEGRITY", "integrity = \"full\"", "full",
       [](const Config& c) { return c.integrity == Integrity::Full; }},
      {"--integrity", "WALWRAP_INTEGRITY", "integrity = \"none\"", "none",
       [](const Config& c) { return c.integrity == Integrity::None; }},
      {"--on-diverged", "WALWRAP_ON_DIVERGED", "on-diverged = \"use-replica\"", "use-replica",
       [](const Config& c) { return c.on_diverged == OnDiverged::UseReplica; }},
      {"--on-diverged", "WALWRAP_ON_DIVERGED", "on-diverged = \"use-local\"", "use-local",
       [](const Config& c) { return c.on_diverged == OnDiverged::UseLocal; }},
      {"--allow-empty-replica", "WALWRAP_ALLOW_EMPTY_REPLICA", "allow-empty-replica = true", "true",
       [](const Config& c) { return c.allow_empty_replica; }},
      {"--allow-empty-replica", "WALWRAP_ALLOW_EMPTY_REPLICA", "allow-empty-replica = true", "1",
       [](const Config& c) { return c.allow_empty_replica; }},
      {"--flush-failed-code", "WALWRAP_FLUSH_FAILED_CODE", "flush-failed-code = 0", "0",
       [](const Config& c) { return c.flush_failed_code == 0; }},
      {"--wal-limit", "WALWRAP_WAL_LIMIT", "[wal]\nlimit = \"16MiB\"", "16MiB",
       [](const Config& c) { return c.wal_limit == 16ULL << 20; }},
      {"--wal-limit", "WALWRAP_WAL_LIMIT", "wal.limit = 2000000", "2MB",
       [](const Config& c) { return c.wal_limit == 2'000'000; }},
      {"--blocking-checkpoints", "WALWRAP_BLOCKING_CHECKPOINTS",
       "wal.blocking-checkpoints = \"never\"", "never",
       [](const Config& c) { return c.blocking_checkpoints == BlockingCheckpoints::Never; }},
      {"--log-format", "WALWRAP_LOG_FORMAT", "[log]\nformat = \"json\"", "json",
       [](const Config& c) { return c.log_format == LogFormat::Json; }},
      {"--log-level", "WALWRAP_LOG_LEVEL", "[log]\nlevel = \"error\"", "error",
       [](const Config& c) { return c.log_level == LogLevel::Error; }},
  };
  check_each_source(rows);
}

TEST_CASE("the settings of a stop can be given by flag, by environment and by TOML") {
  const SettingRow rows[] = {
      {"--app-grace", "WALWRAP_APP_GRACE", "app-grace = \"8s\"", "8s",
       [](const Config& c) { return c.app_grace == 8s; }},
      {"--ok-codes", "WALWRAP_OK_CODES", "ok-codes = \"143,130\"", "143,130",
       [](const Config& c) {
         return c.ok_codes == std::vector{143, 130};
       }},
      {"--stop-signals", "WALWRAP_STOP_SIGNALS", "stop-signals = \"QUIT,RTMIN+3\"", "3,sigrtmin+3",
       [](const Config& c) {
         return c.stop_signals == std::vector{SIGQUIT, SIGRTMIN + 3};
       }},
      {"--rewrite", "WALWRAP_REWRITE", "rewrite = \"15:3,HUP:0\"", "TERM:QUIT,1:0",
       [](const Config& c) {
         return c.rewrite == std::map<int, int>{{15, 3}, {1, 0}};
       }},
      {"--group", "WALWRAP_GROUP", "group = true", "yes",
       [](const Config& c) { return c.signal_group; }},
      {"--app-oom", "WALWRAP_APP_OOM", "app-oom = 0", "+0",
       [](const Config& c) { return c.app_oom == 0; }},
      {"--kill-app", "WALWRAP_KILL_APP", "kill-app = \"never\"", "never",
       [](const Config& c) { return c.kill_app == KillApp::Never; }},
  };
  check_each_source(rows);
}

TEST_CASE("the app's user and notifications can be given by flag, by environment and by TOML") {
  const SettingRow rows[] = {
      {"--user", "WALWRAP_USER", "user = \"app\"", "app",
       [](const Config& c) { return c.user == "app"; }},
      {"--scrub-env", "WALWRAP_SCRUB_ENV", "scrub-env = true", "1",
       [](const Config& c) { return c.scrub_env; }},
      {"--notify", "WALWRAP_NOTIFY", "notify = \"app\"", "app",
       [](const Config& c) { return c.notify == Notify::App; }},
      {"--ready-file", "WALWRAP_READY_FILE", "ready-file = \"/run/ready\"", "/run/ready",
       [](const Config& c) { return c.ready_file == "/run/ready"; }},
      {"--ready-fd", "WALWRAP_READY_FD", "ready-fd = 4", "4",
       [](const Config& c) { return c.ready_fd == 4; }},
  };
  check_each_source(rows);
}

TEST_CASE("an invalid value is refused with its key, its source and a valid example") {
  struct Row {
    const char* flag;
    const char* value;
    const char* expected;
  };
  const Row rows[] = {
      {"--grace", "5x", "grace: \"5x\" from --grace is not a duration; write one like 30s"},
      {"--grace", "5", "is not a duration"},
      {"--grace", "-5s", "is not a duration"},
      {"--grace", "169h", "is longer than a week"},
      {"--start-timeout", "soon", "start-timeout: \"soon\" from --start-timeout is not a duration"},
      {"--exit-flush-timeout", "1s1", "exit-flush-timeout: "},
      {"--replicate-interval", "fast", "replicate.interval: \"fast\""},
      {"--integrity", "fulll", "is not one of none|quick|full; did you mean full?"},
      {"--on-diverged", "use-remote", "is not one of refuse|use-replica|use-local"},
      {"--allow-empty-replica", "maybe", "is neither true nor false"},
      {"--allow-empty-replica", "2", "is neither true nor false"},
      {"--flush-failed-code", "256", "is not an exit code; write a number from 0 to 255"},
      {"--flush-failed-code", "-1", "is not an exit code"},
      {"--flush-failed-code", "7 ", "is not an exit code"},
      {"--app-grace", "8", "is not a duration"},
      {"--kill-app", "nver", "is not one of deadline|never; did you mean never?"},
      {"--notify", "systemd", "is not one of walwrap|app|off"},
      {"--ready-fd", "2", "is not a file descriptor; write its number, 3 or higher"},
      {"--ready-fd", "three", "is not a file descriptor"},
      {"--ok-codes", "143,256", "is not a list of exit codes; write numbers from 0 to 255"},
      {"--ok-codes", "143,", "is not a list of exit codes"},
      {"--stop-signals", "TERM,FOO",
       "contains \"FOO\", which is not a signal that can begin a stop; write TERM"},
      {"--stop-signals", "KILL", "contains \"KILL\", which is not a signal that can begin a stop"},
      {"--stop-signals", "SEGV", "contains \"SEGV\", which is not a signal that can begin a stop"},
      {"--stop-signals", "", "which is not a signal"},
      {"--rewrite", "TERM",
       "contains \"TERM\", which is not FROM:TO; write signals such as TERM:QUIT or 15:3"},
      {"--rewrite", "15:3,15:", "contains \"15:\", which is not FROM:TO"},
      {"--rewrite", "CHLD:TERM", "contains \"CHLD:TERM\", which is not FROM:TO"},
      {"--app-oom", "1001",
       "is not between 0 and 1000; write a number such as 500, or 0 to leave it unchanged"},
      {"--app-oom", "-5", "is not between 0 and 1000"},
      {"--wal-limit", "64Mib/s", "is not a size; write one like 64MiB"},
      {"--wal-limit", "4096", "is outside 1MiB to 1TiB"},
      {"--wal-limit", "2TiB", "is outside 1MiB to 1TiB"},
      {"--blocking-checkpoints", "Never", "is not one of auto|never; did you mean never?"},
      {"--log-format", "xml", "is not one of logfmt|json"},
      {"--log-level", "trace", "is not one of debug|info|warn|error"},
  };
  for (const Row& row : rows) {
    const auto error = error_of(from_flags({{row.flag, row.value}}));
    CAPTURE(error);
    CHECK(has(error, row.expected));
  }
  CHECK(has(error_of(from_environment("WALWRAP_GRACE", "5x")),
            "grace: \"5x\" from environment WALWRAP_GRACE is not a duration"));
  CHECK(has(error_of(from_toml("\n\ngrace = \"5x\"\n")),
            "grace: \"5x\" from walwrap.toml, line 3 is not a duration"));
}

TEST_CASE("a TOML value of the wrong type is refused with the right spelling") {
  struct Row {
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {"grace = 5", "grace: \"5\" from walwrap.toml, line 1 must be a string in double quotes"},
      {"db = true", "must be a string in double quotes"},
      {"db = [\"a\"]", "must be a string in double quotes"},
      {"db = \"\"", "is empty"},
      {"on-diverged = 1", "must be a string in double quotes"},
      {"flush-failed-code = \"74\"", "must be a number without quotes"},
      {"allow-empty-replica = \"true\"", "must be true or false, without quotes"},
      {"wal.limit = true", "must be a size"},
      {"wal = 5", "unknown key wal"},
      {"[[database]]\npath = 5\nreplica = \"file:///r\"", "database[1].path"},
      {"[[database]]\nreplica = \"file:///r\"", "this [[database]] has no path"},
      {"database = \"x\"", "unknown key database"},
  };
  for (const Row& row : rows) {
    const auto error = error_of(from_toml(row.text));
    CAPTURE(error);
    CHECK(has(error, row.expected));
  }
}

TEST_CASE("an unknown key, variable or flag is refused with the nearest known one") {
  struct Row {
    Sources sources;
    const char* expected;
  };
  const Row rows[] = {
      {from_toml("\ngrase = \"5s\""),
       "walwrap.toml, line 2: unknown key grase (\"5s\"); did you mean grace?"},
      {from_toml("[wal]\nhardlimit = 5"),
       "unknown key wal.hardlimit (\"5\"); did you mean "
       "wal.limit?"},
      {from_toml("config = \"x\""), "unknown key config"},
      {from_toml("[[database]]\npaht = \"x\""),
       "unknown key database[1].paht (\"x\"); did you "
       "mean path?"},
      {from_environment("WALWRAP_REPLCA", "file:///r"),
       "environment WALWRAP_REPLCA (\"file:///r\"): unknown setting; did you mean "
       "WALWRAP_REPLICA?"},
      {from_environment("WALWRAP_ZZZZZZZZZZZZ", "1"), "`walwrap help` lists the known ones"},
      {from_flags({{"--alow-empty-replica", ""}}),
       "unknown flag --alow-empty-replica; did you mean --allow-empty-replica?"},
  };
  for (const Row& row : rows) {
    const auto error = error_of(row.sources);
    CAPTURE(error);
    CHECK(has(error, row.expected));
  }
}

TEST_CASE("unknown environment variables do not prevent the start") {
  for (const char* name :
       {"WALWRAP_SOCKET", "WALWRAP_VERSION", "WALWRAP_CONFIG", "WALWRAP_DEMO_SERVICE_HOST",
        "WALWRAP_DEMO_SERVICE_PORT", "WALWRAP_DEMO_SERVICE_PORT_HTTP", "WALWRAP_PORT",
        "WALWRAP_PORT_80_TCP_ADDR", "WALWRAPPER", "PATH", "walwrap_grace"}) {
    CAPTURE(name);
    CHECK(parse_config(from_environment(name, "anything")).has_value());
  }
}

TEST_CASE("a value that may be a secret is never shown") {
  const char* const kSecret = "hunter2";
  const Sources rows[] = {
      from_flags({{"--replica", "s3://id:hunter2@bucket/x"}}),
      from_flags({{"--replica", "s3://bucket/x?secret-key=hunter2"}}),
      from_flags({{"--db", "a"}, {"--db", "s3://id:hunter2@bucket/x"}, {"--replica", "file:///r"}}),
      from_environment("WALWRAP_SECRET_ACCESS_KEY", "hunter2"),
      from_environment("WALWRAP_S3_TOKEN", "hunter2"),
      from_environment("WALWRAP_REPLICA", "s3://id:hunter2@bucket/x"),
      from_toml("password = \"hunter2\""),
      from_toml("db = \"hunter2"),
      from_toml("= \"hunter2\""),
      from_toml("grace = hunter2"),
      from_toml("[[database]]\nsecret = \"hunter2\""),
  };
  for (const Sources& sources : rows) {
    const auto error = error_of(sources);
    CAPTURE(error);
    CHECK(error != "(no error)");
    CHECK_FALSE(has(error, kSecret));
  }
}

TEST_CASE("an invalid TOML file is refused with its name and line") {
  struct Row {
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {"grace = \"5s\"\ndb = ", "walwrap.toml: line 2: "},
      {"grace = \"5s", "walwrap.toml: line 1: "},
      {"grace = \"5s\"\ngrace = \"6s\"", "walwrap.toml: line 2: the same key a second time"},
      {"\n[wal\nblocking-checkpoints = \"auto\"", "walwrap.toml: line 2: "},
      {"grace: \"5s\"", "walwrap.toml: line 1: "},
  };
  for (const Row& row : rows) {
    const auto error = error_of(from_toml(row.text));
    CAPTURE(error);
    CHECK(has(error, row.expected));
  }
}

TEST_CASE("--config overrides WALWRAP_CONFIG, and only the default file may be missing") {
  CHECK(config_file({}, {}).path == "/etc/walwrap.toml");
  CHECK_FALSE(config_file({}, {}).required);
  const Environment named{{"WALWRAP_CONFIG", "/a.toml"}};
  CHECK(config_file({}, named).path == "/a.toml");
  CHECK(config_file({}, named).required);
  CHECK(config_file({{"--config", "/b"}, {"--config", "/c"}}, named).path == "/c");
  CHECK_FALSE(config_file({}, {{"WALWRAP_CONFIG", ""}}).required);
}

TEST_CASE("the first of a repeated environment variable counts, as for getenv") {
  const auto environment = parse_environment({"A=1", "A=2", "B=x=y", "no-equals", "C="});
  CHECK(environment == Environment{{"A", "1"}, {"B", "x=y"}, {"C", ""}});
}
