// File systems that lack something, made of one that has it: a filter lets system calls of this
// process fail. There is no way back, so it belongs into testing::in_child().
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace walwrap::testing {

struct Forbidden {
  int link = 0;          // errno of link and linkat; 0: they work
  int rename_flags = 0;  // errno of renameat2, which C libraries use only for its flags
};

// False: this machine allows no filter.
inline bool forbid(const Forbidden& forbidden) {
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  const auto add = [&](unsigned int call, int error) {
    if (error == 0) return;
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned int>(error)));
  };
#ifdef SYS_link
  add(SYS_link, forbidden.link);
#endif
  add(SYS_linkat, forbidden.link);
  add(SYS_renameat2, forbidden.rename_flags);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace walwrap::testing
