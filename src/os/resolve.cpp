#include "walwrap/os/resolve.hpp"

#include <unistd.h>

#include <climits>
#include <deque>
#include <optional>
#include <string>
#include <system_error>

#include "walwrap/base/text.hpp"

namespace walwrap::os {
namespace {

constexpr Bytes kMostMountinfo = Bytes{16} << 20;
constexpr std::size_t kMountPointField = 4;  // from 0

// nullopt: no link, or nothing that may be looked at.
std::optional<std::string> link_target(const Path& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t got = ::readlink(path.c_str(), target.data(), target.size());
  if (got <= 0) return std::nullopt;
  target.resize(static_cast<std::size_t>(got));
  return target;
}

void push_front(std::deque<std::string>& parts, const Path& path) {
  std::vector<std::string> added;
  for (const Path& part : path) added.push_back(part.native());
  parts.insert(parts.begin(), added.begin(), added.end());
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// "\040" is how the kernel writes a blank.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_escape = text[at] == '\\' && at + 3 < text.size() && is_octal(text[at + 1]) &&
                           is_octal(text[at + 2]) && is_octal(text[at + 3]);
    if (!is_escape) {
      plain += text[at];
      continue;
    }
    const int value = (text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0');
    plain += static_cast<char>(value);
    at += 3;
  }
  return plain;
}

}  // namespace

Result<Path> resolve_path(const Path& path) {
  std::error_code failed;
  const Path start = std::filesystem::absolute(path, failed);
  if (failed) return fail(Code::Invalid, "{}: {}", path.native(), failed.message());
  std::deque<std::string> parts;
  push_front(parts, start);
  Path reached = "/";
  int links = 0;
  while (!parts.empty()) {
    const std::string part = parts.front();
    parts.pop_front();
    if (part.empty() || part == "." || part == "/") continue;
    if (part == "..") {
      reached = reached.parent_path();
      continue;
    }
    const auto target = link_target(reached / part);
    if (!target) {
      reached /= part;
      continue;
    }
    if (++links > kMostLinks) {
      return fail(Code::Invalid, "{}: its symbolic links lead in a circle (at {})", path.native(),
                  (reached / part).native());
    }
    if (target->starts_with('/')) reached = "/";
    push_front(parts, *target);
  }
  return reached;
}

bool names_mount_point(std::string_view mountinfo, std::string_view path) {
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() > kMountPointField && unescape(fields[kMountPointField]) == path) return true;
  }
  return false;
}

bool is_mount_point(const Path& path) {
  const auto text = read_file("/proc/self/mountinfo", kMostMountinfo);
  const auto resolved = resolve_path(path);
  return text && resolved && names_mount_point(as_text(*text), resolved->native());
}

}  // namespace walwrap::os
