#include "walwrap/os/cgroup.hpp"

#include <doctest/doctest.h>

namespace walwrap::os {
namespace {

TEST_CASE("the count of OOM kills is read from the process's cgroup, then from the root") {
  struct Row {
    std::string_view cgroup;
    std::vector<Path> files;
  };
  for (const Row& row : {
           Row{"0::/\n", {"/sys/fs/cgroup/memory.events"}},
           Row{"0::/system.slice/app.service\n",
               {"/sys/fs/cgroup/system.slice/app.service/memory.events",
                "/sys/fs/cgroup/memory.events"}},
           Row{"5:cpu,memory:/docker/ab\n4:pids:/docker/ab",
               {"/sys/fs/cgroup/memory/docker/ab/memory.oom_control",
                "/sys/fs/cgroup/memory/memory.oom_control"}},
           Row{"4:memoryless:/x\n", {}},
           Row{"\n:\n::\nno colon\n0::relative\n", {}},
           Row{"", {}},
       }) {
    CAPTURE(row.cgroup);
    CHECK(oom_kill_files(row.cgroup) == row.files);
  }
}

TEST_CASE("the count is of killed processes, not of events or groups") {
  CHECK(parse_oom_kills("low 0\nhigh 1\nmax 22\noom 3\noom_kill 2\noom_group_kill 1\n") == 2);
  CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7") == 7);
  CHECK(parse_oom_kills("oom 3\n") == std::nullopt);
  CHECK(parse_oom_kills("oom_kill many\n") == std::nullopt);
  CHECK(parse_oom_kills("") == std::nullopt);
}

TEST_CASE("reading this machine's count never fails") {
  const auto count = count_oom_kills();
  if (!count) MESSAGE("this machine does not count");
  CHECK(count_oom_kills().has_value() == count.has_value());
}

}  // namespace
}  // namespace walwrap::os
