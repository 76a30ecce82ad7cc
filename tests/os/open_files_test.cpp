#include "walwrap/os/open_files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::in_child;
using testing::TempDir;
using testing::write_text;

std::optional<OpenFile> find(const std::vector<OpenFile>& files, const Path& path) {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const OpenFile& file) { return file.path == path; });
  return found == files.end() ? std::nullopt : std::optional(*found);
}

TEST_CASE("the open files of a process are listed by identity, without removed ones") {
  const TempDir temporary;
  const Path dir = std::filesystem::canonical(temporary.path());
  write_text(dir / "kept", "12345");
  write_text(dir / "gone", "12345");
  const auto kept = File::open(dir / "kept", File::Open::ReadOnly).value();
  const auto gone = File::open(dir / "gone", File::Open::ReadOnly).value();
  REQUIRE(remove_file(dir / "gone").has_value());
  const auto files = open_files(own_pid());
  const auto found = find(files, dir / "kept");
  REQUIRE(found.has_value());
  CHECK(found->id == kept.status().value().id);
  CHECK(found->descriptor == kept.descriptor());
  CHECK_FALSE(find(files, dir / "gone").has_value());
  CHECK(find_descriptor(found->id) == kept.descriptor());
  CHECK(find_descriptor(gone.status().value().id) == std::nullopt);
  CHECK(open_files(Pid{999'999'999}).empty());
}

TEST_CASE("a file is read through another process's descriptor, unless walwrap has it open") {
  const TempDir temporary;
  const Path dir = std::filesystem::canonical(temporary.path());
  write_text(dir / "theirs", "SQLite format 3 and more");
  const int parent = ::getpid();
  const auto ours = File::open(dir / "theirs", File::Open::ReadOnly).value();
  const auto said = in_child([&]() -> std::string {
    const auto inherited = find(open_files(own_pid()), dir / "theirs");
    if (!inherited) return "not seen";
    const auto busy = read_start(*inherited, 6);
    ::close(inherited->descriptor);  // from now on only the parent has it
    const auto theirs = find(open_files(Pid{parent}), dir / "theirs");
    if (!theirs) return "not seen in the parent";
    const auto start = read_start(*theirs, 6);
    return (busy ? "read " : "busy ") + (start ? *start : start.error().text);
  });
  CHECK(said == "busy SQLite");
}

TEST_CASE("a worker finds its parent's other children and their descendants, but not itself") {
  const auto said = in_child([]() -> std::string {
    const auto sibling = fork_worker([] { return ::pause(); });
    if (!sibling) return "no fork";
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "no pipe";
    const auto worker = fork_worker([&] {
      const auto others = other_descendants_of_parent();
      const bool is_right = others == std::vector<Pid>{*sibling};
      const char answer = is_right ? 'y' : 'n';
      return ::write(ends[1], &answer, 1) == 1 ? 0 : 1;
    });
    char answer = '?';
    const bool got = worker && ::read(ends[0], &answer, 1) == 1;
    send_signal(*sibling, SIGKILL);
    return got ? std::string(1, answer) : "no answer";
  });
  CHECK(said == "y");
}

}  // namespace
}  // namespace walwrap::os
