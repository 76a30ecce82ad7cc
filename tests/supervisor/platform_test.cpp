#include "walwrap/supervisor/platform.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct HostRow {
  const char* what;
  PlatformFacts facts;
  const char* name;
  milliseconds grace;
  const char* source;
};

const std::vector<HostRow> kHosts = {
    {"Heroku Cedar", {.environment = {{"DYNO", "web.1"}}}, "heroku", 30s, "DYNO is set"},
    {"Heroku Fir", {.environment = {{"DYNO", "web-5d8-x"}}}, "heroku", 30s, "DYNO is set"},
    {"Scalingo",
     {.environment = {{"SCALINGO_APPLICATION_ID", "a"}, {"CONTAINER", "web-1"}}},
     "scalingo",
     30s,
     "SCALINGO_APPLICATION_ID is set"},
    {"Render", {.environment = {{"RENDER", "true"}}}, "render", 30s, "RENDER is set"},
    {"Render, which runs on Kubernetes",
     {.environment = {{"RENDER", "true"}, {"KUBERNETES_SERVICE_HOST", "10.0.0.1"}}},
     "render",
     30s,
     "RENDER is set"},
    {"Kubernetes",
     {.environment = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}}, .has_dockerenv = true},
     "kubernetes",
     30s,
     "KUBERNETES_SERVICE_HOST is set"},
    {"a pod without service links",
     {.cgroup = "0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-1.scope\n"},
     "kubernetes",
     30s,
     "the cgroup belongs to a pod"},
    {"Knative on Kubernetes is not Cloud Run",
     {.environment = {{"K_SERVICE", "a"}, {"KUBERNETES_SERVICE_HOST", "10.0.0.1"}}},
     "kubernetes",
     30s,
     "KUBERNETES_SERVICE_HOST is set"},
    {"ECS by metadata",
     {.environment = {{"ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/x"}}},
     "ecs",
     30s,
     "ECS_CONTAINER_METADATA_URI_V4 is set"},
    {"Fargate by its environment",
     {.environment = {{"AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"}}},
     "ecs",
     30s,
     "AWS_EXECUTION_ENV names ECS"},
    {"Lambda is not ECS",
     {.environment = {{"AWS_EXECUTION_ENV", "AWS_Lambda_go"}}},
     "unknown",
     10s,
     "no platform was recognized"},
    {"Azure Container Apps",
     {.environment = {{"CONTAINER_APP_NAME", "a"}, {"KUBERNETES_SERVICE_HOST", "10.0.0.1"}}},
     "azure-container-apps",
     30s,
     "CONTAINER_APP_NAME is set"},
    {"Koyeb",
     {.environment = {{"KOYEB_INSTANCE_ID", "a"}}},
     "koyeb",
     30s,
     "KOYEB_INSTANCE_ID is set"},
    {"DigitalOcean, which must be named",
     {.named = "digitalocean"},
     "digitalocean",
     120s,
     "set in the configuration"},
    {"Cloud Run service",
     {.environment = {{"K_SERVICE", "a"}}},
     "cloud-run",
     10s,
     "K_SERVICE is set"},
    {"Cloud Run job",
     {.environment = {{"CLOUD_RUN_JOB", "a"}}},
     "cloud-run",
     10s,
     "CLOUD_RUN_JOB is set"},
    {"Docker by its file",
     {.has_dockerenv = true},
     "docker",
     10s,
     "the container engine left its marker file"},
    {"podman by its variable",
     {.environment = {{"container", "podman"}}},
     "docker",
     10s,
     "container is set"},
    {"Docker by its cgroup",
     {.cgroup = "12:pids:/docker/0123abc\n"},
     "docker",
     10s,
     "the cgroup names /docker"},
    {"a bare machine", {}, "unknown", 10s, "no platform was recognized"},
    {"Fly",
     {.environment = {{"FLY_MACHINE_ID", "a"}, {"FLY_APP_NAME", "b"}}},
     "fly",
     5s,
     "FLY_MACHINE_ID is set"},
    {"Nomad, with Docker as its driver",
     {.environment = {{"NOMAD_ALLOC_ID", "a"}}, .has_dockerenv = true},
     "nomad",
     5s,
     "NOMAD_ALLOC_ID is set"},
    {"a systemd unit of type notify",
     {.environment = {{"NOTIFY_SOCKET", "/run/systemd/notify"}}},
     "systemd",
     90s,
     "NOTIFY_SOCKET is set"},
    {"a systemd unit",
     {.environment = {{"INVOCATION_ID", "a"}}, .cgroup = "0::/system.slice/app.service\n"},
     "systemd",
     90s,
     "INVOCATION_ID is set and the cgroup belongs to a unit"},
    {"a login shell under systemd",
     {.environment = {{"INVOCATION_ID", "a"}}, .cgroup = "0::/user.slice/session-1.scope\n"},
     "unknown",
     10s,
     "no platform was recognized"},
    {"Railway with its variable",
     {.environment = {{"RAILWAY_DEPLOYMENT_ID", "a"},
                      {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "45"}}},
     "railway",
     45s,
     "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"},
    {"Railway without it",
     {.environment = {{"RAILWAY_DEPLOYMENT_ID", "a"}}},
     "railway",
     0s,
     "RAILWAY_DEPLOYMENT_ID is set"},
    {"an empty variable marks nothing",
     {.environment = {{"FLY_MACHINE_ID", ""}}},
     "unknown",
     10s,
     "no platform was recognized"},
};

TEST_CASE("each platform is recognised by its variables and has its own grace") {
  for (const HostRow& row : kHosts) {
    CAPTURE(row.what);
    const auto platform = detect_platform(row.facts);
    CHECK(platform.name == row.name);
    CHECK(platform.grace == row.grace);
    CHECK(platform.source == row.source);
  }
}

TEST_CASE("a configured grace period overrides the platform's") {
  const auto platform = detect_platform({.environment = {{"FLY_MACHINE_ID", "a"}}, .grace = 120s});
  CHECK(platform.name == "fly");
  CHECK(platform.grace == 120s);
  CHECK(platform.source == "configured");
}

TEST_CASE("a grace of zero causes a warning, and on Railway a command to type") {
  const auto railway = detect_platform({.environment = {{"RAILWAY_REPLICA_ID", "a"}}});
  REQUIRE(railway.warnings.size() == 1);
  CHECK(railway.warnings[0].hint == "set RAILWAY_DEPLOYMENT_DRAINING_SECONDS=30 on this service");
  const auto configured = detect_platform({.grace = 0s});
  CHECK(configured.grace == 0s);
  REQUIRE(configured.warnings.size() == 1);
  CHECK(configured.warnings[0].hint == "set --grace to the platform's grace period");
  CHECK(detect_platform({}).warnings.empty());
  CHECK(detect_platform({.environment = {{"RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "30"}}})
            .warnings.empty());
}

TEST_CASE("an invalid Railway variable counts as zero and is reported") {
  for (const char* text : {"30s", "-1", "", "1e3", "99999999999", " 5"}) {
    CAPTURE(text);
    const auto platform =
        detect_platform({.environment = {{"RAILWAY_DEPLOYMENT_ID", "a"},
                                         {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS", text}}});
    CHECK(platform.grace == 0s);
    CHECK(platform.warnings.size() == (std::string(text).empty() ? 1 : 2));
    for (const auto& warning : platform.warnings) CHECK_FALSE(warning.hint.empty());
  }
}

TEST_CASE("Cloud Run gets a warning about its CPU allocation") {
  const auto platform = detect_platform({.environment = {{"K_SERVICE", "a"}}});
  REQUIRE(platform.warnings.size() == 1);
  CHECK(platform.warnings[0].hint.find("--no-cpu-throttling") != std::string::npos);
}

TEST_CASE("an unknown platform name is reported, and the platform is detected") {
  const auto platform = detect_platform({.environment = {{"FLY_APP_NAME", "a"}}, .named = "flyy"});
  CHECK(platform.name == "fly");
  REQUIRE(platform.warnings.size() == 1);
  CHECK(platform.warnings[0].message == "Unknown platform \"flyy\"");
  CHECK_FALSE(platform.warnings[0].hint.empty());
}

TEST_CASE("only numbered Heroku dynos signal each process themselves") {
  const auto signals_all = [](const char* dyno) {
    return detect_platform({.environment = {{"DYNO", dyno}}}).signals_every_process;
  };
  CHECK(signals_all("web.1"));
  CHECK(signals_all("worker.12"));
  CHECK_FALSE(signals_all("web-5d8f-abcde"));
  CHECK_FALSE(signals_all("web."));
  CHECK_FALSE(signals_all(".1"));
  CHECK_FALSE(detect_platform({.environment = {{"NOTIFY_SOCKET", "x"}}}).signals_every_process);
}

TEST_CASE("platforms that give up on a slow start leave less time for it") {
  CHECK(detect_platform({.environment = {{"DYNO", "web.1"}}}).start_timeout == 45s);
  CHECK(detect_platform({.environment = {{"SCALINGO_APPLICATION_ID", "a"}}}).start_timeout == 45s);
  CHECK(detect_platform({}).start_timeout == 300s);
}

}  // namespace
}  // namespace walwrap::supervisor
