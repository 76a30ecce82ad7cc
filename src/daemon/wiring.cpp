#include "walwrap/daemon/wiring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "walwrap/config/config_parser.hpp"
#include "walwrap/config/paths.hpp"
#include "walwrap/config/quote.hpp"
#include "walwrap/config/toml_file.hpp"
#include "walwrap/daemon/places.hpp"
#include "walwrap/os/console.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/privileges.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/os/resolve.hpp"
#include "walwrap/storage/stores/open.hpp"

namespace walwrap::daemon {
namespace {

constexpr Bytes kMaxCgroupBytes = 65'536;
// Variables that are secrets, and variables that name files with secrets.
constexpr std::array<std::string_view, 9> kStoreCredentials = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID_FILE",
    "AWS_SECRET_ACCESS_KEY_FILE",
    "AWS_SESSION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"};

replication::OnDiverged on_diverged_of(config::OnDiverged on_diverged) {
  switch (on_diverged) {
    case config::OnDiverged::Refuse:
      return replication::OnDiverged::Refuse;
    case config::OnDiverged::UseReplica:
      return replication::OnDiverged::UseReplica;
    case config::OnDiverged::UseLocal:
      return replication::OnDiverged::UseLocal;
  }
  return replication::OnDiverged::Refuse;
}

replication::BlockingCheckpoints blocking_checkpoints_of(config::BlockingCheckpoints when) {
  return when == config::BlockingCheckpoints::Never ? replication::BlockingCheckpoints::Never
                                                    : replication::BlockingCheckpoints::Auto;
}

// None if the app has walwrap's rights anyway.
Result<std::optional<os::User>> app_user(const config::Config& config) {
  if (config.user.empty()) return std::optional<os::User>();
  const auto user = TRY(os::find_user(config.user).context("--user"));
  const bool may =
      os::has_capability(os::Capability::SetUid) && os::has_capability(os::Capability::SetGid);
  if (may) return std::optional(user);
  if (os::own_user_id() == user.uid) return std::optional<os::User>();
  return fail(Code::Invalid,
              "--user {}: only root can start the app as another user; start walwrap as root, or "
              "omit --user",
              config.user);
}

}  // namespace

os::Path absolute_path(const os::Path& path) {
  std::error_code failed;
  return path.empty() ? os::Path() : std::filesystem::absolute(path, failed);
}

os::Path database_path(const os::Path& path) {
  const auto resolved = os::resolve_path(path);
  return resolved ? *resolved : absolute_path(path);
}

replication::Integrity integrity_of(config::Integrity integrity) {
  switch (integrity) {
    case config::Integrity::None:
      return replication::Integrity::None;
    case config::Integrity::Quick:
      return replication::Integrity::Quick;
    case config::Integrity::Full:
      return replication::Integrity::Full;
  }
  return replication::Integrity::Quick;
}

namespace {

Failure no_replica(const config::Database& database) {
  return fail(Code::Invalid,
              "db: {} has no replica, so nothing would be stored; set WALWRAP_REPLICA or "
              "--replica, such as s3://bucket/app or file:///backup/app (is a secret missing "
              "here?); to start the app without replication, omit WALWRAP_DB and --db",
              database.path);
}

Result<void> resolve_databases(config::Config& config) {
  for (config::Database& database : config.databases) {
    const os::Path resolved = TRY(os::resolve_path(database.path).context("db"));
    database.path = resolved.native();
  }
  return {};
}

}  // namespace

Result<config::Config> load_config(const std::vector<config::FlagValue>& flags,
                                   const config::Environment& environment) {
  config::Sources sources;
  sources.flags = flags;
  sources.environment = environment;
  const auto file = config::config_file(flags, environment);
  if (const auto problem = file.required ? config::check_path(file.path) : std::nullopt) {
    return fail(Code::Invalid, "config: {} {}", config::quote_value(file.path), *problem);
  }
  const auto text = os::read_file(file.path, config::kMaxTomlBytes);
  if (text) {
    sources.toml_path = file.path;
    sources.toml_text = as_text(*text);
  } else if (file.required || text.error().code != Code::NotFound) {
    return fail(Code::Invalid, "configuration file: {}", text.error().text);
  }
  auto config = TRY(config::parse_config(sources));
  TRY(resolve_databases(config));
  return config;
}

Log make_log(const config::Config& config, const os::Clock& clock) {
  return Log({.minimum = config.log_level,
              .format = config.log_format,
              .now = [&clock] { return clock.wall(); },
              .sink = [](std::string_view line) { os::write_stderr(line); },
              .to_terminal = os::is_stderr_a_terminal()});
}

supervisor::Platform find_platform(const config::Config& config,
                                   const config::Environment& environment) {
  supervisor::PlatformFacts facts;
  facts.environment = environment;
  const auto cgroup = os::read_file("/proc/self/cgroup", kMaxCgroupBytes);
  if (cgroup) facts.cgroup = as_text(*cgroup);
  facts.has_dockerenv = os::exists("/.dockerenv") || os::exists("/run/.containerenv");
  facts.grace = config.grace;
  return supervisor::detect_platform(facts);
}

Result<supervisor::InitOptions> init_options(const config::Config& config,
                                             const config::Environment& environment) {
  supervisor::InitOptions options;
  options.platform = find_platform(config, environment);
  options.rules.app_grace = config.app_grace;
  options.rules.exit_flush_timeout = config.exit_flush_timeout;
  options.rules.flush_failed_code = config.flush_failed_code;
  options.rules.ok_codes = config.ok_codes;
  options.rules.kills_app = config.kill_app == config::KillApp::Deadline;
  options.rules.stands_by = config.after_handover == config::AfterHandover::Standby;
  options.rules.handover_timeout = config.handover_timeout;
  for (const config::Database& database : config.databases) {
    options.state_directories.push_back(
        replication::StateDir::path_for(absolute_path(database.path)));
  }
  options.rules.signals = {.stop = config.stop_signals, .rewrite = config.rewrite};
  options.signal_group = config.signal_group;
  options.oom_score_raise = config.app_oom;
  options.user = TRY(app_user(config));
  options.ready_file = absolute_path(config.ready_file);
  options.ready_descriptor = config.ready_fd;
  options.rules.manager = supervisor::find_manager(environment, os::own_pid());
  if (config.notify == config::Notify::Off) options.rules.manager = {};
  if (options.rules.manager.listens) options.manager_socket = environment.at("NOTIFY_SOCKET");
  options.app_says_ready = config.notify == config::Notify::App;
  if (options.app_says_ready) options.rules.manager.watchdog.reset();
  return options;
}

std::vector<std::string> app_environment(const config::Config& config,
                                         std::vector<std::string> entries, const os::Path& socket) {
  constexpr std::string_view kSocket = "WALWRAP_SOCKET", kToken = "WALWRAP_LISTEN_TOKEN";
  std::erase_if(entries, [&](const std::string& entry) {
    const auto name = std::string_view(entry).substr(0, entry.find('='));
    if (name == kToken) return true;
    if (name == kSocket) return !socket.empty();
    return config.scrub_env &&
           std::ranges::find(kStoreCredentials, name) != kStoreCredentials.end();
  });
  if (!socket.empty()) entries.push_back(fmt::format("{}={}", kSocket, socket.native()));
  return entries;
}

storage::LookupFn lookup_in(const config::Environment& environment) {
  return [environment](std::string_view name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end() || found->second.empty()) return std::nullopt;
    return found->second;
  };
}

std::string ca_file_of(const std::string& given, const config::Environment& environment) {
  if (!given.empty()) return given;
  const auto lookup = lookup_in(environment);
  for (const std::string_view name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    if (const auto named = lookup(name)) return *named;
  }
  return {};
}

Result<std::vector<replication::ReplicatorOptions>> replicator_options(
    const config::Config& config, std::chrono::milliseconds host_start_timeout,
    const config::Environment& environment) {
  std::vector<replication::ReplicatorOptions> all;
  for (const config::Database& database : config.databases) {
    replication::ReplicatorOptions options;
    // Absolute, because its directory is watched and its state is kept beside it.
    std::error_code failed;
    options.database = std::filesystem::absolute(database.path, failed);
    if (failed) return fail(Code::Invalid, "db: {}: {}", database.path, failed.message());
    if (database.replica.empty()) return no_replica(database);
    options.location = TRY(storage::parse_location(database.replica, lookup_in(environment))
                               .context("replica of " + database.path));
    options.location.ca_file = absolute_path(ca_file_of(config.ca_file, environment)).native();
    options.policy = {.on_diverged = on_diverged_of(config.on_diverged),
                      .allow_empty_replica = config.allow_empty_replica};
    options.integrity = integrity_of(config.integrity);
    options.start_timeout = config.start_timeout.value_or(host_start_timeout);
    options.handover_timeout = config.handover_timeout;
    options.interval = config.replicate_interval;
    options.wal_limit = config.wal_limit;
    options.blocking_checkpoints = blocking_checkpoints_of(config.blocking_checkpoints);
    all.push_back(std::move(options));
  }
  std::vector<Placed> placed;
  placed.reserve(all.size());
  for (const auto& options : all) placed.push_back(place_of(options));
  TRY(check_places(placed));
  return all;
}

}  // namespace walwrap::daemon
