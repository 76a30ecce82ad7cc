// A directory tree as it is on the disk, to compare two moments of it.
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace walwrap::testing {

// Path -> type, mode, owner and content. Access times are left out, and the content of a -shm,
// which any reader writes into.
inline std::map<std::string, std::string> tree_of(const std::filesystem::path& root) {
  std::map<std::string, std::string> tree;
  if (std::filesystem::is_regular_file(root)) tree["(a file)"] = "";
  if (!std::filesystem::is_directory(root)) return tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) != 0) continue;
    std::string content;
    if (S_ISREG(status.st_mode) && !entry.path().string().ends_with("-shm")) {
      std::ifstream file(entry.path(), std::ios::binary);
      content.assign(std::istreambuf_iterator<char>(file), {});
    }
    tree[entry.path().lexically_relative(root).string()] =
        fmt::format("{:o} {}:{} {}", status.st_mode, status.st_uid, status.st_gid, content);
  }
  return tree;
}

}  // namespace walwrap::testing
