// An app in a process of its own: one connection that has run some SQL and stays open for as long
// as this object lives. SQLite's locks do not tell two connections of one process from another's.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/in_child.hpp"

namespace walwrap::testing {

class AppProcess {
 public:
  // `sql` may fail. Make it while this process has no connection to the database.
  AppProcess(const std::filesystem::path& database, const std::string& sql) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    std::cout.flush();
    pid_ = ::fork();
    if (pid_ == 0) {
      reset_signals();
      AppDb app(database);
      app.try_run(sql);
      [[maybe_unused]] const auto written = ::write(ends[1], "x", 1);
      while (true) ::pause();
    }
    ::close(ends[1]);
    char byte = 0;
    const bool is_ready = pid_ > 0 && ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
    if (!is_ready) throw std::runtime_error("no app");
  }
  AppProcess(const AppProcess&) = delete;
  AppProcess& operator=(const AppProcess&) = delete;
  ~AppProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  int pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace walwrap::testing
