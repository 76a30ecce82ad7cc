#include "walwrap/cli/doctor_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "walwrap/base/host_name.hpp"
#include "walwrap/cli/doctor_report.hpp"
#include "walwrap/daemon/places.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/resolve.hpp"
#include "walwrap/os/rights.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/replication/upload/store_profile.hpp"
#include "walwrap/storage/stores/inspect.hpp"
#include "walwrap/storage/stores/open.hpp"

namespace walwrap::cli {
namespace {

constexpr std::chrono::seconds kStorePatience{10};
constexpr Bytes kHeaderBytes = 100;

using Options = replication::ReplicatorOptions;

std::optional<Error> error_in(const Result<void>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

DiskFinding look_at_disk(const os::Path& database) {
  const auto directory = os::directory_of(database);
  DiskFinding disk{.directory = directory.string(), .filesystem = {}, .free = {}};
  if (!os::exists(directory)) return disk;
  disk.filesystem = os::filesystem_name(directory).value_or("an unknown file system");
  if (const auto free = os::free_bytes(directory)) disk.free = *free;
  disk.error = error_in(os::may_create_in(directory));
  return disk;
}

DatabaseFinding look_at_database(const os::Path& path) {
  DatabaseFinding found{.path = path.string(), .error = {}, .header = {}};
  const auto status = os::status_of(path);
  if (!status) {
    found.error = status.error();
    return found;
  }
  // Opening a pipe would wait for its writer.
  if (status->type != os::FileType::Regular) {
    found.error = Error{Code::Invalid, fmt::format("{} is not a regular file", path.string())};
    return found;
  }
  // No connection of this process has it open, so closing the descriptor drops no lock (Law 1).
  const auto file = os::File::open(path, os::File::Open::ReadOnly);
  if (!file) {
    found.error = file.error();
    return found;
  }
  ByteVector bytes(kHeaderBytes);
  const auto size = file->size();
  const auto got = file->read_at(bytes, 0);
  if (!size || !got) {
    found.error = size ? got.error() : size.error();
    return found;
  }
  found.size = *size;
  found.header = std::string(as_text(ByteSpan(bytes).first(*got)));
  if (const auto log = os::status_of(path.string() + "-wal")) found.wal_size = log->size;
  return found;
}

PlaceFinding look_at_place(const os::Path& root, const os::Path& database) {
  const auto there = daemon::existing_part(root);
  PlaceFinding place{.directory = root.string(), .filesystem = {}};
  place.exists = os::exists(root);
  place.parent_exists = os::exists(root.parent_path());
  place.filesystem = os::filesystem_name(there).value_or("an unknown file system");
  if (!place.exists) place.error = error_in(os::may_create_in(there));
  const auto ours = os::status_of(daemon::existing_part(database));
  const auto theirs = os::status_of(there);
  place.shares_disk = ours && theirs && ours->id.device == theirs->id.device;
  return place;
}

RightsFinding rights_in(const storage::StoreRights& rights) {
  RightsFinding found{.steps = {}, .create_only = rights.create_only};
  const std::pair<std::string_view, const std::optional<Result<void>>&> steps[] = {
      {"list", rights.list}, {"put", rights.put}, {"get", rights.get}, {"delete", rights.remove}};
  for (const auto& [name, step] : steps) {
    if (step) found.steps.push_back({name, error_in(*step)});
  }
  return found;
}

bool is_loopback(std::string_view address) {
  const auto peer = parse_host_port(address);
  return peer && is_loopback_host(peer->host);
}

class Doctor {
 public:
  Doctor(const DoctorSurroundings& surroundings, std::string platform)
      : around_(surroundings), platform_(std::move(platform)) {}

  void look(const Options& options);
  template <typename Facts>
  void note(const Facts& facts) {
    for (Finding& finding : findings_of(facts)) findings_.push_back(std::move(finding));
  }
  void add(Finding finding) { findings_.push_back(std::move(finding)); }
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  storage::Surroundings patient() const;
  bool look_at_bucket(const storage::Location& location);
  void try_rights(const storage::Location& location);

  const DoctorSurroundings& around_;
  std::string platform_;
  std::vector<Finding> findings_;
};

storage::Surroundings Doctor::patient() const {
  const MonoTime deadline = around_.clock.mono() + kStorePatience;
  return {.clock = around_.clock, .log = around_.log, .budget = [this, deadline] {
            return storage::CallBudget{.go_on = !around_.cancelled(), .deadline = deadline};
          }};
}

// False: further checks make no sense.
bool Doctor::look_at_bucket(const storage::Location& location) {
  storage::BucketFacts facts;
  const auto looked = storage::look_at_bucket(location, patient(), facts);
  BucketFinding bucket{.provider = facts.provider,
                       .host = location.s3.host,
                       .address = facts.peer.address,
                       .tls = facts.peer.tls,
                       .is_http2 = facts.peer.is_http2,
                       .is_local = is_loopback(facts.peer.address),
                       .credentials = facts.credentials,
                       .clock_offset = facts.clock_offset,
                       .error = error_in(looked)};
  note(bucket);
  return looked.has_value();
}

void Doctor::try_rights(const storage::Location& location) {
  auto surroundings = patient();
  surroundings.access = storage::Access::Write;
  auto store = storage::open_store(location, surroundings);
  if (!store) {
    return add({FindingLevel::Problem, "store", store.error().text, "check --replica"});
  }
  const auto retrying = storage::with_retries(*std::move(store), surroundings);
  const auto key = fmt::format("{}doctor-{:016x}", replication::kOwnPrefix, os::random_u64());
  note(rights_in(storage::try_rights(*retrying, key)));
}

void Doctor::look(const Options& options) {
  note(look_at_disk(options.database));
  const auto database = look_at_database(options.database);
  note(database);
  note(NamesFinding{.path = options.database.string(),
                    .names = os::count_names(options.database),
                    .is_mounted = os::is_mount_point(options.database)});
  const auto& location = options.location;
  if (location.kind == storage::StoreKind::File) {
    auto place = look_at_place(location.root, options.database);
    place.dies_with_container =
        daemon::is_on_container_disk(location.root, around_.root, platform_);
    note(place);
    if (!place.exists) return;
    const auto ours = os::Path(location.root) / os::Path(replication::kOwnPrefix).parent_path();
    const bool had_ours = os::exists(ours);
    try_rights(location);
    if (!had_ours) {
      ignore(os::remove_empty_directory(ours), "another walwrap may have started to use it");
    }
    return;
  }
  if (look_at_bucket(location)) try_rights(location);
  const auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(
      replication::upload_pace(location.kind, options.interval).interval);
  note(CostFinding{.provider = std::string(location.s3.dialect->name),
                   .region = location.s3.region,
                   .interval = interval,
                   .database_size = database.size});
}

}  // namespace

int examine(const DoctorArguments& arguments, const DoctorSurroundings& surroundings) {
  auto config = daemon::load_config(arguments.flags, surroundings.environment);
  if (!config) {
    surroundings.complain(fmt::format("walwrap doctor: {}\n", config.error().text));
    return kExitUsage;
  }
  const auto platform = daemon::find_platform(*config, surroundings.environment);
  const auto bare = std::partition(config->databases.begin(), config->databases.end(),
                                   [](const auto& database) { return !database.replica.empty(); });
  const std::vector<config::Database> without(bare, config->databases.end());
  config->databases.erase(bare, config->databases.end());
  const auto databases =
      daemon::replicator_options(*config, platform.start_timeout, surroundings.environment);
  if (!databases) {
    surroundings.complain(fmt::format("walwrap doctor: {}\n", databases.error().text));
    return kExitUsage;
  }
  Doctor doctor(surroundings, platform.name);
  doctor.note(platform);
  for (const config::Database& database : without) {
    doctor.add({FindingLevel::Problem, "replica",
                fmt::format("{} has no replica: walwrap refuses to start", database.path),
                "set WALWRAP_REPLICA or --replica"});
  }
  if (databases->empty() && without.empty()) {
    doctor.add({FindingLevel::Problem, "replica",
                "no replica is configured: nothing would be stored",
                "set WALWRAP_DB and WALWRAP_REPLICA, or --db and --replica"});
  }
  for (const Options& options : *databases) doctor.look(options);
  const auto& findings = doctor.findings();
  surroundings.say(arguments.json ? format_findings_json(findings) : format_findings(findings));
  return is_well(findings) ? 0 : kExitNotSo;
}

}  // namespace walwrap::cli
