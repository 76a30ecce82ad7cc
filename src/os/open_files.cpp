#include "walwrap/os/open_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <utility>

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/text.hpp"

namespace walwrap::os {
namespace {

Path descriptor_path(Pid pid, int descriptor) {
  return fmt::format("/proc/{}/fd/{}", pid.value, descriptor);
}

std::string target_of(const Path& link) {
  std::string target(PATH_MAX, '\0');
  const ssize_t got = ::readlink(link.c_str(), target.data(), target.size());
  target.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return target;
}

// 0: it has ended. Source: proc_pid_stat(5): what follows the last ')' are state and parent.
int parent_of(int pid) {
  constexpr Bytes kMostStat = 4096;
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), kMostStat);
  if (!text) return 0;
  const auto fields = split(as_text(*text), ' ');
  for (std::size_t at = fields.size(); at-- > 0;) {
    if (!fields[at].ends_with(')') || at + 2 >= fields.size()) continue;
    const bool has_ended = fields[at + 1] == "Z" || fields[at + 1] == "X";
    return has_ended ? 0 : parse_decimal<int>(fields[at + 2]).value_or(0);
  }
  return 0;
}

int times_open_here(const FileId& id) {
  const auto ours = open_files(own_pid());
  return static_cast<int>(
      std::count_if(ours.begin(), ours.end(), [&](const OpenFile& file) { return file.id == id; }));
}

}  // namespace

std::vector<OpenFile> open_files(Pid pid) {
  constexpr std::string_view kRemoved = " (deleted)";
  std::vector<OpenFile> files;
  const auto names = list_directory(fmt::format("/proc/{}/fd", pid.value));
  if (!names) return files;
  for (const std::string& name : *names) {
    const auto descriptor = parse_decimal<int>(name);
    if (!descriptor) continue;
    const Path link = descriptor_path(pid, *descriptor);
    std::string target = target_of(link);
    if (!target.starts_with('/') || target.ends_with(kRemoved)) continue;
    const auto status = status_of(link);  // of the file itself, whatever has its name now
    if (!status || status->type != FileType::Regular) continue;
    files.push_back({pid, *descriptor, std::move(target), status->id});
  }
  return files;
}

std::optional<int> find_descriptor(const FileId& id) {
  const auto ours = open_files(own_pid());
  const auto found = std::ranges::find(ours, id, &OpenFile::id);
  return found == ours.end() ? std::nullopt : std::optional(found->descriptor);
}

Result<std::string> read_start(const OpenFile& file, std::size_t bytes) {
  if (times_open_here(file.id) > 0) {
    return fail(Code::Busy, "{} is open in this process", file.path.native());
  }
  const Path link = descriptor_path(file.pid, file.descriptor);
  Fd fd(uninterrupted([&] { return ::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (!fd.is_open()) return path_failure("open", file.path);
  std::string start(bytes, '\0');
  const ssize_t got = uninterrupted([&] { return ::pread(fd.get(), start.data(), bytes, 0); });
  start.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  // This process may have opened it since, with locks. Then this descriptor is never closed.
  if (times_open_here(file.id) > 1) static_cast<void>(fd.release());
  return start;
}

std::vector<Pid> other_descendants_of_parent() {
  const int root = ::getppid();
  const int own = ::getpid();
  std::map<int, int> parents;
  const auto names = list_directory("/proc");
  if (!names) return {};
  for (const std::string& name : *names) {
    const auto pid = parse_decimal<int>(name);
    if (pid) parents[*pid] = parent_of(*pid);
  }
  std::vector<Pid> found;
  for (const auto& [pid, parent] : parents) {
    // Up to the root; a look at a moving target has no circles, but may have gaps.
    int above = pid;
    while (above > 1 && above != root && above != own) {
      const auto next = parents.find(above);
      above = next == parents.end() ? 0 : next->second;
    }
    if (pid != root && above == root) found.push_back(Pid{pid});
  }
  return found;
}

}  // namespace walwrap::os
