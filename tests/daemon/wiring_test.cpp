#include "walwrap/daemon/wiring.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::daemon;
using testing::has;

namespace {

config::Config with_databases(std::vector<config::Database> databases) {
  config::Config config;
  config.databases = std::move(databases);
  return config;
}

}  // namespace

TEST_CASE("the TOML file given by --config is read, and errors name its line") {
  const testing::TempDir dir;
  const auto path = (dir / "walwrap.toml").string();
  std::ofstream(path) << "grace = \"7s\"\n";
  const auto config = load_config({{"--config", path}}, {});
  REQUIRE(config.has_value());
  CHECK(config->grace == 7s);
  CHECK(load_config({}, {{"WALWRAP_CONFIG", path}})->grace == 7s);

  std::ofstream(path) << "\ngrace = \"soon\"\n";
  const auto broken = load_config({{"--config", path}}, {});
  REQUIRE_FALSE(broken.has_value());
  CHECK(has(broken.error().text, path + ", line 2"));
}

TEST_CASE("a configuration file named by the user must exist and be a file") {
  const testing::TempDir dir;
  for (const auto& path : {dir / "absent.toml", dir.path()}) {
    const auto config = load_config({{"--config", path.string()}}, {});
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().code == Code::Invalid);
    CHECK(has(config.error().text, path.string()));
  }
}

TEST_CASE("each database gets the options of its configuration") {
  auto config = with_databases({{"/a.db", "file:///backup/a"}, {"/b.db", "/backup/b"}});
  config.start_timeout = 3s;
  config.replicate_interval = 2s;
  config.integrity = config::Integrity::Full;
  config.on_diverged = config::OnDiverged::UseLocal;
  config.allow_empty_replica = true;
  config.wal_limit = 5 << 20;
  config.blocking_checkpoints = config::BlockingCheckpoints::Never;
  const auto all = replicator_options(config, 45s, {});
  REQUIRE(all.has_value());
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].database == "/a.db");
  CHECK((*all)[0].location.root == "/backup/a");
  CHECK((*all)[1].database == "/b.db");
  CHECK((*all)[1].location.root == "/backup/b");
  for (const auto& options : *all) {
    CHECK(options.start_timeout == 3s);
    CHECK(options.interval == 2s);
    CHECK(options.integrity == replication::Integrity::Full);
    CHECK(options.policy.on_diverged == replication::OnDiverged::UseLocal);
    CHECK(options.policy.allow_empty_replica);
    CHECK(options.wal_limit == 5 << 20);
    CHECK(options.blocking_checkpoints == replication::BlockingCheckpoints::Never);
    CHECK_FALSE(options.app_running);
  }
}

TEST_CASE("without --start-timeout the platform's time-out applies, and defaults are cautious") {
  const auto all = replicator_options(with_databases({{"/a.db", "file:///backup"}}), 45s, {});
  REQUIRE(all.has_value());
  CHECK(all->front().start_timeout == 45s);
  CHECK(all->front().policy.on_diverged == replication::OnDiverged::Refuse);
  CHECK_FALSE(all->front().policy.allow_empty_replica);
  CHECK(all->front().integrity == replication::Integrity::Quick);
}

TEST_CASE("a relative database path starts at the directory in which walwrap was started") {
  const auto all = replicator_options(with_databases({{"app.db", "file:///backup"}}), 45s, {});
  REQUIRE(all.has_value());
  CHECK(all->front().database == std::filesystem::current_path() / "app.db");
}

TEST_CASE("a database without a replica is refused with the setting that is missing") {
  const auto all = replicator_options(with_databases({{"/a.db", ""}}), 45s, {});
  REQUIRE_FALSE(all.has_value());
  for (const char* part : {"/a.db has no replica", "WALWRAP_REPLICA", "omit WALWRAP_DB"}) {
    CHECK(has(all.error().text, part));
  }
}

TEST_CASE("a link in the configuration is followed, and links in a circle are refused") {
  const testing::TempDir dir;
  const auto real = std::filesystem::canonical(dir.path());
  std::filesystem::create_symlink("data/real.db", real / "app.db");
  const auto link = (real / "app.db").string();
  const auto config = load_config({{"--db", link}, {"--replica", "/backup/a"}}, {});
  REQUIRE(config.has_value());
  CHECK(config->databases.front().path == real / "data/real.db");
  CHECK(database_path(link) == real / "data/real.db");
  std::filesystem::create_symlink("circle.db", real / "circle.db");
  const auto circle = (real / "circle.db").string();
  CHECK_FALSE(load_config({{"--db", circle}, {"--replica", "/backup/a"}}, {}).has_value());
}

TEST_CASE("a URL of an unknown store is refused at the start, with its database") {
  const auto all = replicator_options(with_databases({{"/a.db", "gopher://x/y"}}), 45s, {});
  REQUIRE_FALSE(all.has_value());
  CHECK(all.error().code == Code::Invalid);
  CHECK(has(all.error().text, "replica of /a.db"));
}

TEST_CASE("a replica in S3 takes its region and endpoint from the environment") {
  const config::Environment environment{{"AWS_ENDPOINT_URL_S3", "https://store.example:9000"},
                                        {"AWS_REGION", "eu-central-1"},
                                        {"AWS_ACCESS_KEY_ID", "key"}};
  auto config = with_databases({{"/a.db", "s3://bucket/app"}});
  config.ca_file = "/ca.pem";
  const auto all = replicator_options(config, 45s, environment);
  REQUIRE_MESSAGE(all.has_value(), all.error().text);
  const auto& location = all->front().location;
  CHECK(location.kind == storage::StoreKind::S3);
  CHECK(location.s3.host == "store.example:9000");
  CHECK(location.s3.region == "eu-central-1");
  CHECK(location.environment("AWS_ACCESS_KEY_ID") == "key");
  CHECK_FALSE(location.environment("AWS_SECRET_ACCESS_KEY").has_value());
  CHECK(location.ca_file == "/ca.pem");
}

TEST_CASE("the CA file is the configured one, else the one that other programs use") {
  struct Row {
    const char *given, *ssl, *aws, *expected;
  };
  const Row rows[] = {
      {"/own.pem", "/ssl.pem", "/aws.pem", "/own.pem"},
      {"", "/ssl.pem", "/aws.pem", "/aws.pem"},
      {"", "/ssl.pem", "", "/ssl.pem"},
      {"", "", "", ""},
  };
  for (const Row& row : rows) {
    CHECK(ca_file_of(row.given, {{"SSL_CERT_FILE", row.ssl}, {"AWS_CA_BUNDLE", row.aws}}) ==
          row.expected);
  }
  CHECK(ca_file_of("", {}).empty());
}

TEST_CASE("an empty variable counts as unset") {
  const auto lookup = lookup_in({{"AWS_REGION", ""}, {"AWS_PROFILE", "work"}});
  CHECK_FALSE(lookup("AWS_REGION").has_value());
  CHECK_FALSE(lookup("AWS_DEFAULT_REGION").has_value());
  CHECK(lookup("AWS_PROFILE") == "work");
}

TEST_CASE("every integrity check setting has its counterpart in replication") {
  CHECK(integrity_of(config::Integrity::None) == replication::Integrity::None);
  CHECK(integrity_of(config::Integrity::Quick) == replication::Integrity::Quick);
  CHECK(integrity_of(config::Integrity::Full) == replication::Integrity::Full);
}

TEST_CASE("the settings of a stop reach the supervisor") {
  config::Config config;
  config.app_grace = 3s;
  config.exit_flush_timeout = 4s;
  config.flush_failed_code = 5;
  config.ok_codes = {143};
  config.kill_app = config::KillApp::Never;
  config.stop_signals = {3};
  config.rewrite = {{15, 3}};
  config.signal_group = true;
  config.app_oom = 7;
  config.ready_file = "/run/ready";
  config.ready_fd = 9;
  const auto options = init_options(config, {{"DYNO", "web.1"}}).value();
  CHECK(options.platform.name == "heroku");
  CHECK(options.rules.app_grace == 3s);
  CHECK(options.rules.exit_flush_timeout == 4s);
  CHECK(options.rules.flush_failed_code == 5);
  CHECK(options.rules.ok_codes == std::vector{143});
  CHECK_FALSE(options.rules.kills_app);
  CHECK(options.rules.signals.is_stop(3));
  CHECK(options.rules.signals.in_place_of(15) == 3);
  CHECK(options.signal_group);
  CHECK(options.oom_score_raise == 7);
  CHECK(options.ready_file == "/run/ready");
  CHECK(options.ready_descriptor == 9);
  CHECK_FALSE(options.user.has_value());
}

TEST_CASE("a service manager is notified by walwrap, by the app, or not at all") {
  const config::Environment environment{{"NOTIFY_SOCKET", "/run/n"}, {"WATCHDOG_USEC", "9000000"}};
  config::Config config;
  auto options = init_options(config, environment).value();
  CHECK(options.manager_socket == "/run/n");
  CHECK(options.rules.manager.watchdog == 9s);
  CHECK_FALSE(options.app_says_ready);
  config.notify = config::Notify::App;
  options = init_options(config, environment).value();
  CHECK(options.manager_socket == "/run/n");  // more time for a restore is ours to ask for
  CHECK_FALSE(options.rules.manager.watchdog.has_value());
  CHECK(options.app_says_ready);
  config.notify = config::Notify::Off;
  options = init_options(config, environment).value();
  CHECK(options.manager_socket.empty());
  CHECK_FALSE(options.rules.manager.listens);
}

TEST_CASE("an unknown user is refused with a valid example") {
  config::Config config;
  config.user = "no-such-user";
  const auto options = init_options(config, {});
  CHECK(has(options.error().text, "--user: user \"no-such-user\" is not in /etc/passwd"));
}

TEST_CASE("a scrubbed environment lacks the store's credentials and nothing else") {
  const std::vector<std::string> entries = {
      "PATH=/bin",    "AWS_SECRET_ACCESS_KEY=x",   "AWS_ACCESS_KEY_ID=y",
      "AWS_REGION=z", "AWS_SESSION_TOKEN_FILE=/t", "odd"};
  config::Config config;
  CHECK(app_environment(config, entries, {}) == entries);
  config.scrub_env = true;
  CHECK(app_environment(config, entries, {}) ==
        std::vector<std::string>{"PATH=/bin", "AWS_REGION=z", "odd"});
}

TEST_CASE("the app gets the socket's path, and not the token for the network") {
  const std::vector<std::string> entries = {"PATH=/bin", "WALWRAP_SOCKET=relative.sock",
                                            "WALWRAP_LISTEN_TOKEN=secret"};
  CHECK(app_environment({}, entries, "/data/api.sock") ==
        std::vector<std::string>{"PATH=/bin", "WALWRAP_SOCKET=/data/api.sock"});
}

TEST_CASE("a configured grace period overrides the platform's") {
  config::Config config;
  const config::Environment heroku{{"DYNO", "web.1"}};
  CHECK(find_platform(config, heroku).name == "heroku");
  CHECK(find_platform(config, heroku).grace == 30s);
  config.grace = 12s;
  CHECK(find_platform(config, heroku).grace == 12s);
}
