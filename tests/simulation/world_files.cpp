// What people and scripts do to the files of a database of a simulated world.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "tests/simulation/world.hpp"

namespace walwrap::simulation {
namespace {

constexpr std::array<const char*, 3> kSuffixes = {"", "-wal", "-shm"};
constexpr int kTurnsUntilSettled = 6;
constexpr std::chrono::milliseconds kFilesPause{500};
constexpr int kScript = 50;  // a process of the host that replaces files

// At once: a script that is cut short leaves what it likes.
void sync_file(const std::filesystem::path& path) {
  const Kernel::As nobody(kNobody);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

// A person or a deploy script, while no app has the database open.
void World::put_files(Host& host, const Step& step) {
  for (const auto& app : apps_) {
    if (&app->host() == &host && app->is_open()) return;
  }
  // Without a checkpoint at the close, be it of an app or of walwrap, a WAL is no leftover.
  if (host.was_killed || host.is_wild || !walwrap_on(host).is_running()) return;
  // It takes them longer than walwrap takes to leave one file of a database that was closed.
  for (int i = 0; i < kTurnsUntilSettled; ++i) {
    let_others_run(host);
    kernel_.advance(kFilesPause);
  }
  // On a full disk neither an app nor walwrap can leave one file, nor can who is dead.
  const auto wal = host.database.string() + "-wal";
  const bool is_left = std::filesystem::exists(wal) && std::filesystem::file_size(wal) > 0;
  const Walwrap& walwrap = walwrap_on(host);
  if (is_left && (walwrap.has_defects() || kernel_.is_dead(walwrap.pid()))) return;
  const auto backup = host.directory.string() + "-backup";
  const auto path = host.database.string();
  const Kernel::As script(host.pid_of_walwrap() + kScript);
  if (step.verb == Verb::DropSidecars) {
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
    return;
  }
  if (step.verb == Verb::Remove) {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    host.know(scene_.oracle.add(host.state, {}));
    host.durable.reset();
    return;
  }
  if (!host.backup || !std::filesystem::exists(backup)) return;
  if (step.verb == Verb::PutCopy) {
    std::filesystem::copy_file(backup, path, std::filesystem::copy_options::overwrite_existing);
  } else {
    std::filesystem::copy_file(backup, path + ".new",
                               std::filesystem::copy_options::overwrite_existing);
    sync_file(path + ".new");
    std::filesystem::rename(path + ".new", path);
  }
  sync_file(path);
  sync_file(host.directory);
  host.know(scene_.oracle.add(host.state, scene_.oracle.rows(*host.backup)));
  host.durable.reset();
}

// Whoever does this does not know better, and may do it while apps have the database open.
void World::change_files(Host& host, const Step& step) {
  const Kernel::As nobody(kNobody);
  const auto which = static_cast<std::size_t>(std::clamp(step.first, 0, 2));
  const bool is_database = which == 0 || step.verb == Verb::Overwrite;
  const auto path = host.database.string() + (is_database ? "" : kSuffixes.at(which));
  const auto backup = host.directory.string() + "-backup";
  const auto other = path + ".new";
  const bool needs_backup = is_database && step.verb != Verb::Unlink && step.verb != Verb::Cut;
  if (!std::filesystem::exists(path) || (needs_backup && !std::filesystem::exists(backup))) return;
  constexpr auto kReplace = std::filesystem::copy_options::overwrite_existing;
  switch (step.verb) {
    case Verb::Unlink:
      std::filesystem::remove(path);
      break;
    case Verb::Swap:
      std::filesystem::copy_file(is_database ? backup : path, other, kReplace);
      std::filesystem::rename(other, path);
      break;
    case Verb::Overwrite:
      std::filesystem::copy_file(backup, path, kReplace);
      break;
    default:
      // Who has the -shm mapped would get a SIGBUS.
      if (path.ends_with("-shm")) return;
      std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
      break;
  }
  host.is_wild = scene_.was_wild = true;
  host.is_sure = false;
  host.in_flight.clear();
  host.durable.reset();
  scene_.oracle.forget_confirmed();
}

}  // namespace walwrap::simulation
