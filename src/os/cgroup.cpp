#include "walwrap/os/cgroup.hpp"

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/text.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

constexpr Bytes kMaxBytes = 65'536;
constexpr std::string_view kMount = "/sys/fs/cgroup";

void add_files(std::vector<Path>& files, std::string_view mount, std::string_view group,
               std::string_view name) {
  const std::string_view below = group == "/" ? "" : group;
  files.emplace_back(fmt::format("{}{}{}/{}", kMount, mount, below, name));
  if (!below.empty()) files.emplace_back(fmt::format("{}{}/{}", kMount, mount, name));
}

}  // namespace

std::vector<Path> oom_kill_files(std::string_view cgroup) {
  std::vector<Path> files;
  for (const std::string_view line : split(cgroup, '\n')) {
    // number:controllers:path; 0 and no controllers: version 2.
    const auto first = line.find(':');
    if (first == std::string_view::npos) continue;
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto group = line.substr(second + 1);
    if (!group.starts_with('/')) continue;
    if (controllers.empty()) add_files(files, "", group, "memory.events");
    if (is_listed(controllers, ',', "memory")) {
      add_files(files, "/memory", group, "memory.oom_control");
    }
  }
  return files;
}

std::optional<std::uint64_t> parse_oom_kills(std::string_view text) {
  constexpr std::string_view kKey = "oom_kill ";
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(kKey)) return parse_decimal<std::uint64_t>(line.substr(kKey.size()));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> count_oom_kills() {
  const auto cgroup = read_file("/proc/self/cgroup", kMaxBytes);
  if (!cgroup) return std::nullopt;
  for (const Path& file : oom_kill_files(as_text(*cgroup))) {
    const auto text = read_file(file, kMaxBytes);
    const auto count = text ? parse_oom_kills(as_text(*text)) : std::nullopt;
    if (count) return count;
  }
  return std::nullopt;
}

}  // namespace walwrap::os
