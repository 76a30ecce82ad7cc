// A directory of its own for one test, removed with everything in it.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace walwrap::testing {

// In memory, where the machine has one with room for small files; else as the others.
inline std::filesystem::path memory_directory() {
  constexpr std::uintmax_t kRoom = 32U << 20;
  const std::filesystem::path memory = "/dev/shm";
  std::error_code missing;
  const auto space = std::filesystem::space(memory, missing);
  const bool has_room = !missing && space.available >= kRoom;
  return has_room && ::access(memory.c_str(), W_OK) == 0 ? memory
                                                         : std::filesystem::temp_directory_path();
}

class TempDir {
 public:
  TempDir() : TempDir(std::filesystem::temp_directory_path()) {}
  explicit TempDir(const std::filesystem::path& in) {
    std::string name = (in / "walwrap-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp");
    }
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace walwrap::testing
