#include "walwrap/cli/wiring.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "walwrap/config/toml_file.hpp"
#include "walwrap/os/console.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/storage/open.hpp"

namespace walwrap::cli {
namespace {

constexpr Bytes kMaxCgroupBytes = 65'536;

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

replication::Brake brake_of(config::Brake brake) {
  return brake == config::Brake::Never ? replication::Brake::Never : replication::Brake::Auto;
}

}  // namespace

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

Result<config::Config> load_config(const std::vector<config::FlagValue>& flags,
                                   const config::Environment& environment) {
  config::Sources sources;
  sources.flags = flags;
  sources.environment = environment;
  const auto file = config::config_file(flags, environment);
  const auto text = os::read_file(file.path, config::kMaxTomlBytes);
  if (text) {
    sources.toml_path = file.path;
    sources.toml_text = as_text(*text);
  } else if (file.required || text.error().code != Code::NotFound) {
    return fail(Code::Invalid, "configuration file: {}", text.error().text);
  }
  return config::parse_config(sources);
}

Log make_log(const config::Config& config, const os::Clock& clock) {
  return Log({.minimum = config.log_level,
              .format = config.log_format,
              .now = [&clock] { return clock.wall(); },
              .sink = [](std::string_view line) { os::write_stderr(line); }});
}

supervisor::Host find_host(const config::Config& config, const config::Environment& environment) {
  supervisor::HostFacts facts;
  facts.environment = environment;
  const auto cgroup = os::read_file("/proc/self/cgroup", kMaxCgroupBytes);
  if (cgroup) facts.cgroup = as_text(*cgroup);
  facts.has_dockerenv = os::exists("/.dockerenv") || os::exists("/run/.containerenv");
  facts.grace = config.grace;
  return supervisor::detect_host(facts);
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
    // Absolute, because its directory is watched, and its state goes beside it.
    std::error_code failed;
    options.database = std::filesystem::absolute(database.path, failed);
    if (failed) return fail(Code::Invalid, "db: {}: {}", database.path, failed.message());
    options.location = TRY(storage::parse_location(database.replica, lookup_in(environment))
                               .context("replica of " + database.path));
    options.location.ca_file = ca_file_of(config.ca_file, environment);
    options.policy = {.on_diverged = on_diverged_of(config.on_diverged),
                      .allow_empty_replica = config.allow_empty_replica,
                      .allow_stale = config.allow_stale};
    options.integrity = integrity_of(config.integrity);
    options.start_timeout = config.start_timeout.value_or(host_start_timeout);
    options.interval = config.replicate_interval;
    options.wal_hard_limit = config.wal_hard_limit;
    options.brake = brake_of(config.brake);
    all.push_back(std::move(options));
  }
  return all;
}

}  // namespace walwrap::cli
