#include "walwrap/replication/restore/restore_leftovers.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kRestore = ".walwrap-restore-";
constexpr std::string_view kIncoming = ".walwrap-incoming";
constexpr std::string_view kForced = ".walwrap-new-";
constexpr std::size_t kRandomDigits = 16;
// For file systems without locks, and for a file that was created and not locked yet: a process
// that uses the file writes all the time.
constexpr std::chrono::minutes kSilent{1};

bool take(std::string_view& text, std::string_view beginning) {
  if (!text.starts_with(beginning)) return false;
  text.remove_prefix(beginning.size());
  return true;
}

bool take_hex16(std::string_view& text) {
  if (!parse_hex16(text.substr(0, kRandomDigits))) return false;
  text.remove_prefix(kRandomDigits);
  return true;
}

bool is_left(const os::Directory& directory, const std::string& name) {
  auto file = directory.open_file(name, os::File::Open::ReadOnly);
  if (!file) return false;
  const auto status = file->status();
  if (!status) return false;
  const bool is_silent = status->modified < os::SystemClock().wall() - kSilent;
  const auto locked = file->try_lock();
  if (!locked) return is_silent;  // this file system has no locks
  return *locked && (status->size > 0 || is_silent);
}

}  // namespace

std::string temporary_restore_name(const os::Path& output, std::uint64_t random) {
  return fmt::format("{}{}{}", output.filename().string(), kRestore, format_hex16(random));
}

os::Path incoming_path(const os::Path& database) {
  return database.string() + std::string(kIncoming);
}

bool is_temporary_restore(const os::Path& database, std::string_view name) {
  if (!take(name, database.filename().native())) return false;
  if (!take(name, kIncoming) && take(name, kForced) && !take_hex16(name)) return false;
  return take(name, kRestore) && take_hex16(name) && name.empty();
}

int remove_restore_leftovers(const os::Path& database) {
  // If the directory is a link to another one, the operator made it, and it is followed.
  std::error_code failed;
  const os::Path path = std::filesystem::canonical(os::directory_of(database), failed);
  if (failed) return 0;
  const auto directory = os::Directory::open(path, std::nullopt);
  if (!directory) return 0;
  const auto names = directory->names();
  if (!names) return 0;
  int removed = 0;
  for (const std::string& name : *names) {
    if (!is_temporary_restore(database, name) || !is_left(*directory, name)) continue;
    if (directory->remove(name)) ++removed;
  }
  return removed;
}

}  // namespace walwrap::replication
