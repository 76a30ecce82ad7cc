#include "walwrap/os/file_locks.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

constexpr Bytes kEnd = std::numeric_limits<Bytes>::max();

TEST_CASE("parsing the kernel's lock list gives the held byte-range locks and nothing else") {
  const auto locks = parse_file_locks(
      "1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 3548 fd:00:2531448 0 EOF\n"
      "3: POSIX  ADVISORY  READ  3548 08:01:18446744073709551615 123 123\n"
      "3: -> POSIX  ADVISORY  WRITE 3999 08:01:2531448 123 123\n"
      "4: OFDLCK ADVISORY  READ -1 00:1a:42 124 125\n"
      "5: POSIX  ADVISORY  READ 0 00:1a:43 126 127\n"
      "6: LEASE  ACTIVE    READ 3548 08:01:7 0 EOF\n"
      "7: POSIX  *NOINODE* WRITE 3548 <none>:0 0 EOF\n");
  const std::vector<FileLock> expected = {
      {.holder = Pid{3568}, .device = "fd:00", .inode = 2531452, .first = 0, .last = kEnd},
      {.holder = Pid{3548},
       .device = "08:01",
       .inode = 18446744073709551615ULL,
       .first = 123,
       .last = 123},
      {.holder = std::nullopt, .device = "00:1a", .inode = 42, .first = 124, .last = 125},
      {.holder = std::nullopt, .device = "00:1a", .inode = 43, .first = 126, .last = 127},
      {.holder = Pid{3548}, .device = "<none>", .inode = 0, .first = 0, .last = kEnd},
  };
  CHECK(locks == expected);
}

TEST_CASE("a truncated or malformed lock line is skipped, and the next one is parsed") {
  const std::string good = "9: POSIX  ADVISORY  READ 17 08:01:5 1 2";
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    const auto locks = parse_file_locks(good.substr(0, length) + "\n" + good);
    REQUIRE_FALSE(locks.empty());
    CHECK(locks.back().holder == Pid{17});
    CHECK(locks.size() == 1);
  }
  for (const char* bad :
       {"9: POSIX ADVISORY READ x7 08:01:5 1 2", "9: POSIX ADVISORY READ 17 5 1 2x",
        "9: POSIX ADVISORY READ 17 08:01:f 1 2", "\n\n", "locks"}) {
    CAPTURE(bad);
    CHECK(parse_file_locks(bad).empty());
  }
}

TEST_CASE("a lock of another process is found by the file's inode and the process's pid") {
  const testing::TempDir directory;
  const Path path = directory / "locked";
  REQUIRE(File::open(path, File::Open::CreateNew).has_value());
  const auto inode = status_of(path)->id.inode;
  const auto answer = testing::in_child([&]() -> std::string {
    const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct flock range {};
    range.l_type = F_RDLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 123;
    range.l_len = 2;
    if (::fcntl(fd.get(), F_SETLK, &range) != 0) return "no lock";
    const int holder = ::getpid();
    return testing::in_child([&]() -> std::string {
      const auto locks = read_file_locks();
      if (!locks) return std::string(testing::kSkipped);  // a sandbox without the list
      const bool found = std::any_of(locks->begin(), locks->end(), [&](const FileLock& lock) {
        return lock.inode == inode && lock.holder == Pid{holder} && lock.first == 123 &&
               lock.last == 124;
      });
      return found ? "found" : "not found";
    });
  });
  if (answer != testing::kSkipped) CHECK(answer == "found");
}

}  // namespace
}  // namespace walwrap::os
