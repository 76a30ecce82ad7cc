// What happens to the hosts and to the store of a simulated world.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/simulation/world.hpp"
#include "walwrap/replication/replica/page_sums.hpp"

namespace walwrap::simulation {
namespace {

// Each record says that its page was stored by the first upload, see page_sums.hpp.
void spoil_sums(const std::filesystem::path& path) {
  using replication::PageSums;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = std::filesystem::file_size(path);
  constexpr std::string_view kFirst("\1\0\0\0\0\0", 6);
  for (Bytes at = PageSums::kHeaderBytes; at < size; at += PageSums::kRecordBytes) {
    file.seekp(static_cast<std::streamoff>(at + 8));
    file.write(kFirst.data(), static_cast<std::streamsize>(kFirst.size()));
  }
}

}  // namespace

// By a person or a script, while walwrap does not run.
void World::change_at_rest(Host& host, Verb verb) {
  switch (verb) {
    case Verb::DropSidecars:
      // Commits that are only in the WAL are lost with it. What is stored is not.
      if (host.is_up) return;
      for (const char* suffix : {"-wal", "-shm"}) {
        std::filesystem::remove(host.database.string() + suffix);
      }
      host.is_sure = false;
      host.in_flight.clear();
      host.durable.reset();
      return;
    case Verb::PutRename:
      // Beside the WAL of the other file, so a person has to decide.
      if (host.is_up || !host.backup) return;
      std::filesystem::rename(host.directory.string() + "-backup", host.database);
      host.backup.reset();
      host.is_sure = false;
      host.in_flight.clear();
      host.durable.reset();
      host.may_be_refused = true;
      return;
    case Verb::SpoilSums:
      spoil_sums(host.directory / ".app.db-walwrap/pages");
      return;
    case Verb::DropState:
      // By a person, while walwrap does not run.
      if (host.is_up) return;
      std::filesystem::remove_all(host.directory / ".app.db-walwrap");
      // Without it a database that differs from the replica has to be decided on by a person.
      host.may_be_refused = true;
      return;
    default:
      return;
  }
}

World::Done World::perform_on(Host& host, const Step& step) {
  switch (step.verb) {
    case Verb::PowerLoss: {
      auto& recorder = recorders_.at(static_cast<std::size_t>(host.number - 1));
      if (!recorder || host.lost_power) return Done::Yes;
      {
        const std::lock_guard lock(testing::DiskRecorder::mutex());
        host.lost_power = recorder->image();
      }
      host.power_seed = step.first;
      break;
    }
    case Verb::Wipe:
      host.lost_power = testing::DiskImage{};
      host.power_seed = 0;
      break;
    case Verb::DropSidecars:
    case Verb::PutRename:
    case Verb::SpoilSums:
    case Verb::DropState:
      if (!walwrap_on(host).is_running()) change_at_rest(host, step.verb);
      return Done::Yes;
    case Verb::Partition:
      scene_.replica.cut_off(host.number);
      return Done::Yes;
    case Verb::Unlink:
    case Verb::Swap:
    case Verb::Overwrite:
    case Verb::Cut:
      change_files(host, step);
      return Done::Yes;
    case Verb::Fill:
    case Verb::Free:
      set_full(host, step.verb == Verb::Fill);
      return Done::Yes;
    case Verb::Heal:
      scene_.replica.join(host.number);
      return Done::Yes;
    default:
      return Done::Yes;
  }
  host.is_up = false;
  kernel_.kill(walwrap_on(host).pid());
  for (auto& app : apps_) {
    if (&app->host() == &host) kernel_.kill(app->pid());
  }
  return Done::Yes;
}

void World::perform_on_store(const Step& step) {
  Replica& replica = scene_.replica;
  switch (step.verb) {
    case Verb::Fail:
      return replica.fail_next(step.first, step.second);
    case Verb::Down:
      return replica.set_down(true);
    case Verb::Up:
      replica.heal();
      return replica.forget_faults();
    case Verb::Late:
      return replica.delay_next_put(step.first);
    case Verb::Twice:
      return replica.repeat_next_put(step.first);
    case Verb::Stale:
      return replica.make_stale(step.first);
    case Verb::Expire:
      if (!replica.expire(step.first)) return;
      // What was confirmed may have been in that object, until a snapshot replaces it.
      scene_.oracle.forget_confirmed();
      scene_.has_lost_files = true;
      return;
    default:
      return;
  }
}

void World::set_full(Host& host, bool is_full) {
  kernel_.set_full(host.pid_of_walwrap(), is_full);
  for (const auto& app : apps_) {
    if (&app->host() == &host) kernel_.set_full(app->pid(), is_full);
  }
  if (!is_full) walwrap_on(host).forget_defects();
}

// Those who were killed leave the stack before they end.
void World::reap() {
  for (auto& app : apps_) {
    if (!kernel_.is_dead(app->pid())) continue;
    Host& host = app->host();
    app->end();
    kernel_.bury(app->pid());
    // A commit that was under way was made or not; who reads next finds out.
    (void)host;
  }
  for (auto& walwrap : walwraps_) {
    if (!kernel_.is_dead(walwrap->pid())) continue;
    walwrap->host().may_lack_state = true;
    walwrap->end();
  }
  for (Host& host : hosts_) {
    if (host.lost_power) reboot(host);
  }
}

void World::clear_disk(Host& host) {
  auto& recorder = recorders_.at(static_cast<std::size_t>(host.number - 1));
  const bool is_recorded = recorder != nullptr;
  recorder.reset();
  std::filesystem::remove_all(host.directory);
  std::filesystem::create_directory(host.directory);
  if (!is_recorded) return;
  recorder = std::make_unique<testing::DiskRecorder>(host.directory);
}

void World::reboot(Host& host) {
  const auto image = *std::exchange(host.lost_power, std::nullopt);
  const bool is_wiped = image.directories.empty();
  auto& recorder = recorders_.at(static_cast<std::size_t>(host.number - 1));
  const bool is_recorded = recorder != nullptr;
  recorder.reset();
  std::filesystem::remove_all(host.directory);
  std::filesystem::create_directory(host.directory);
  host.is_sure = false;
  host.may_lack_state = true;
  host.in_flight.clear();
  if (is_wiped) {
    host.durable.reset();
    host.may_be_refused = false;
  } else {
    std::mt19937_64 random(static_cast<std::uint64_t>(host.power_seed));
    scene_.note("  lost:" + testing::make_disk(image, host.directory, random));
  }
  if (is_recorded) recorder = std::make_unique<testing::DiskRecorder>(host.directory);
}

std::string format_plan(const Plan& plan) {
  return fmt::format("world {} {} {}\n", plan.seed, plan.page_size,
                     plan.is_bucket ? "bucket" : "directory") +
         format_steps(plan.steps);
}

Plan parse_plan(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  const auto end = std::min(text.find('\n'), text.size());
  std::istringstream first{std::string(text.substr(0, end))};
  Plan plan;
  std::string word;
  std::string kind;
  if (!(first >> word >> plan.seed >> plan.page_size >> kind) || word != "world") {
    throw std::runtime_error("a script begins with: world SEED PAGE_SIZE bucket|directory");
  }
  plan.is_bucket = kind == "bucket";
  plan.steps = parse_steps(text.substr(end));
  return plan;
}

Report simulate(const Plan& plan) {
  return World(plan).run();
}

}  // namespace walwrap::simulation
