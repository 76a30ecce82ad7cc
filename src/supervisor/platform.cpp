#include "walwrap/supervisor/platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "walwrap/base/text.hpp"

namespace walwrap::supervisor {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kRailwayGrace = "RAILWAY_DEPLOYMENT_DRAINING_SECONDS";

bool is_set(const PlatformFacts& facts, std::string_view name) {
  const auto found = facts.environment.find(name);
  return found != facts.environment.end() && !found->second.empty();
}

std::string_view value_of(const PlatformFacts& facts, std::string_view name) {
  const auto found = facts.environment.find(name);
  return found == facts.environment.end() ? std::string_view{} : std::string_view{found->second};
}

bool cgroup_has(const PlatformFacts& facts, std::string_view word) {
  return facts.cgroup.find(word) != std::string::npos;
}

// How the platform was recognised, or "" if this is another one.
using Marker = std::string (*)(const PlatformFacts& facts);

std::string first_set(const PlatformFacts& facts, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (is_set(facts, name)) return fmt::format("{} is set", name);
  }
  return {};
}

std::string railway(const PlatformFacts& facts) {
  return first_set(facts, {"RAILWAY_DEPLOYMENT_ID", "RAILWAY_REPLICA_ID", kRailwayGrace});
}
std::string render(const PlatformFacts& facts) {
  return first_set(facts, {"RENDER", "RENDER_INSTANCE_ID"});
}
std::string scalingo(const PlatformFacts& facts) {
  return first_set(facts, {"SCALINGO_APPLICATION_ID"});
}
std::string koyeb(const PlatformFacts& facts) {
  return first_set(facts, {"KOYEB_INSTANCE_ID", "KOYEB_APP_NAME"});
}
std::string fly(const PlatformFacts& facts) {
  return first_set(facts, {"FLY_MACHINE_ID", "FLY_APP_NAME"});
}
std::string container_apps(const PlatformFacts& facts) {
  return first_set(facts, {"CONTAINER_APP_REPLICA_NAME", "CONTAINER_APP_NAME"});
}
std::string cloud_run(const PlatformFacts& facts) {
  // Knative sets K_SERVICE too, but there the pod's own grace counts.
  if (is_set(facts, "KUBERNETES_SERVICE_HOST")) return {};
  return first_set(facts, {"K_SERVICE", "CLOUD_RUN_JOB"});
}
std::string ecs(const PlatformFacts& facts) {
  auto marker = first_set(facts, {"ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"});
  if (!marker.empty()) return marker;
  if (value_of(facts, "AWS_EXECUTION_ENV").starts_with("AWS_ECS_")) {
    return "AWS_EXECUTION_ENV names ECS";
  }
  return {};
}
std::string nomad(const PlatformFacts& facts) {
  return first_set(facts, {"NOMAD_ALLOC_ID"});
}
std::string heroku(const PlatformFacts& facts) {
  return first_set(facts, {"DYNO"});
}
std::string kubernetes(const PlatformFacts& facts) {
  auto marker = first_set(facts, {"KUBERNETES_SERVICE_HOST"});
  if (!marker.empty()) return marker;
  return cgroup_has(facts, "kubepods") ? "the cgroup belongs to a pod" : "";
}
std::string docker(const PlatformFacts& facts) {
  if (facts.has_dockerenv) return "the container engine left its marker file";
  if (is_set(facts, "container")) return "container is set";
  for (const auto word : {"/docker", "/libpod", "containerd"}) {
    if (cgroup_has(facts, word)) return fmt::format("the cgroup names {}", word);
  }
  return {};
}
std::string systemd(const PlatformFacts& facts) {
  // A login shell inherits INVOCATION_ID as well, so only the process's own unit counts.
  if (is_set(facts, "NOTIFY_SOCKET")) return "NOTIFY_SOCKET is set";
  if (is_set(facts, "INVOCATION_ID") && cgroup_has(facts, ".service")) {
    return "INVOCATION_ID is set and the cgroup belongs to a unit";
  }
  return {};
}
std::string never(const PlatformFacts& /*facts*/) {
  return {};
}

struct Row {
  std::string_view name;
  Marker marker;
  seconds grace;
  seconds start_timeout{300};
};

// In order: a platform comes before the one that it is built on (several run on Kubernetes, all in
// containers).
constexpr Row kRows[] = {
    // RAILWAY_DEPLOYMENT_DRAINING_SECONDS, unless set: Railway docs, "Deployment teardown".
    {"railway", railway, seconds{0}},
    // maxShutdownDelaySeconds, up to 300: Render docs, "Deploys", zero-downtime.
    {"render", render, seconds{30}},
    // Fixed, and 60 s for a start: Scalingo docs, "Application lifecycle".
    {"scalingo", scalingo, seconds{30}, seconds{45}},
    // Koyeb's docs do not say it; users report it.
    {"koyeb", koyeb, seconds{30}},
    // kill_timeout, up to 300, not visible here: Fly docs, "App configuration".
    {"fly", fly, seconds{5}},
    // terminationGracePeriodSeconds: Azure docs, "Container Apps lifecycle".
    {"azure-container-apps", container_apps, seconds{30}},
    // Fixed: Google's "Container runtime contract", instance shutdown.
    {"cloud-run", cloud_run, seconds{10}},
    // stopTimeout, up to 120: Amazon's ECS API, ContainerDefinition.
    {"ecs", ecs, seconds{30}},
    // kill_timeout, up to max_kill_timeout: Nomad docs, job "task" block.
    {"nomad", nomad, seconds{5}},
    // Fixed, and 60 s for a start: Heroku Dev Center, "Dynos", shutdown and startup.
    {"heroku", heroku, seconds{30}, seconds{45}},
    // 120, up to 600: DigitalOcean's App spec, termination. It sets no variable to recognise it by.
    {"digitalocean", never, seconds{120}},
    // terminationGracePeriodSeconds, not visible here: Kubernetes docs, "Pod lifecycle".
    {"kubernetes", kubernetes, seconds{30}},
    // --stop-timeout: Docker docs, "docker container stop".
    {"docker", docker, seconds{10}},
    // TimeoutStopSec: systemd.service(5), systemd-system.conf(5).
    {"systemd", systemd, seconds{90}},
    // A guess that costs an app some time rather than data.
    {"unknown", never, seconds{10}},
};

struct Found {
  const Row* row;
  std::string source;
};

Found find_platform(const PlatformFacts& facts, std::vector<PlatformWarning>& warnings) {
  if (!facts.named.empty()) {
    for (const Row& row : kRows) {
      if (row.name == facts.named) return {&row, "set in the configuration"};
    }
    warnings.push_back({.message = fmt::format("Unknown platform \"{}\"", facts.named),
                        .hint = "set --grace to the platform's grace period"});
  }
  for (const Row& row : kRows) {
    auto marker = row.marker(facts);
    if (!marker.empty()) return {&row, std::move(marker)};
  }
  return {&std::end(kRows)[-1], "no platform was recognized"};
}

// Heroku's older generation names dynos web.1 and signals each of their processes.
bool is_cedar_dyno(std::string_view dyno) {
  const auto dot = dyno.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == dyno.size()) return false;
  const auto number = dyno.substr(dot + 1);
  return std::all_of(number.begin(), number.end(), is_digit);
}

std::string set_on_railway() {
  return fmt::format("set {}=30 on this service", kRailwayGrace);
}

void apply_railway(const PlatformFacts& facts, Platform& platform) {
  const auto text = value_of(facts, kRailwayGrace);
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  if (is_whole && value > 0 && value <= 86'400) {
    platform.grace = seconds{value};
    platform.source = std::string(kRailwayGrace);
  } else if (!text.empty() && !(is_whole && value == 0)) {
    platform.warnings.push_back(
        {.message =
             fmt::format("{}={} is not a number of seconds; Railway's default of 0 is assumed",
                         kRailwayGrace, text),
         .hint = set_on_railway()});
  }
}

void add_warnings(Platform& platform) {
  if (platform.grace == milliseconds{0}) {
    platform.warnings.push_back(
        {.message = "The grace period is 0, so the platform kills the instance "
                    "at once and unstored commits are lost",
         .hint = platform.name == "railway" ? set_on_railway()
                                            : "set --grace to the platform's grace period"});
  }
  if (platform.name == "cloud-run") {
    platform.warnings.push_back({.message =
                                     "Cloud Run with request-based billing gives no CPU between "
                                     "requests, so replication stalls",
                                 .hint = "gcloud run services update SERVICE --no-cpu-throttling"});
  }
}

}  // namespace

Platform detect_platform(const PlatformFacts& facts) {
  Platform platform;
  auto found = find_platform(facts, platform.warnings);
  platform.name = std::string(found.row->name);
  platform.grace = found.row->grace;
  platform.source = std::move(found.source);
  platform.start_timeout = found.row->start_timeout;
  platform.signals_every_process =
      platform.name == "heroku" && is_cedar_dyno(value_of(facts, "DYNO"));
  if (facts.grace) {
    platform.grace = std::max(*facts.grace, milliseconds{0});
    platform.source = "configured";
  } else if (platform.name == "railway") {
    apply_railway(facts, platform);
  }
  add_warnings(platform);
  return platform;
}

}  // namespace walwrap::supervisor
