#include "walwrap/os/inherited.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

using testing::in_child;
using testing::TempDir;

bool is_inherited(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

TEST_CASE("descriptors for the app are closed, except one that is meant for walwrap") {
  const TempDir dir;
  in_child([&]() -> std::string {
    const int theirs = ::dup(STDOUT_FILENO);
    const int ours = ::dup(STDOUT_FILENO);
    auto inherited = Inherited::capture();
    const int later = ::dup(STDOUT_FILENO);
    const auto taken = inherited.take(ours);
    const bool is_missing = inherited.take(later).error().code == Code::NotFound;
    inherited.close_descriptors();
    // What leads back to the test is among those that were closed.
    std::ofstream(dir / "text") << fmt::format(
        "{} {} {} {} {}", is_inherited(theirs), is_inherited(ours), is_inherited(later),
        is_inherited(STDERR_FILENO), taken && is_missing && ::fcntl(ours, F_GETFD) == FD_CLOEXEC);
    return "";
  });
  CHECK(as_text(read_file(dir / "text", 100).value()) == "false true true true true");
}

TEST_CASE("walwrap leaves the working directory and still finds relative paths") {
  const TempDir dir;
  const auto text = in_child([&] {
    std::filesystem::current_path(dir.path());
    const auto inherited = Inherited::capture();
    Inherited::leave_directory();
    const auto meanwhile = std::filesystem::current_path();
    inherited.return_to_directory();
    return meanwhile.string() + " " + std::filesystem::current_path().string();
  });
  CHECK(text == "/ " + std::filesystem::canonical(dir.path()).string());
}

}  // namespace
}  // namespace walwrap::os
