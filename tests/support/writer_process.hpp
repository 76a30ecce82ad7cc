// An app in a process of its own that commits without a pause while it is told to, with no busy
// timeout, and can be killed at any moment. What it counts is shared with the test.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/app_db.hpp"
#include "tests/support/in_child.hpp"

namespace walwrap::testing {

class WriterProcess {
 public:
  // `setup` is run once, `each` is one commit. Make it while this process has no connection to the
  // database: SQLite's own memory of a file must not cross a fork.
  WriterProcess(const std::filesystem::path& database, const std::string& setup,
                const std::string& each) {
    void* shared =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::runtime_error("mmap");
    shared_ = new (shared) Shared;
    std::cout.flush();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) run_writer(database, setup, each);
  }
  WriterProcess(const WriterProcess&) = delete;
  WriterProcess& operator=(const WriterProcess&) = delete;
  ~WriterProcess() {
    kill();
    ::munmap(shared_, sizeof(Shared));
  }

  void go() { shared_->is_told = true; }
  // Returns when it is between two commits.
  void pause() {
    if (pid_ <= 0) return;
    shared_->is_told = false;
    while (shared_->is_at_work) std::this_thread::yield();
  }
  void write(int commits) {
    const int enough = written() + commits;
    go();
    while (written() < enough) std::this_thread::yield();
    pause();
  }
  int written() const { return shared_->written; }
  int busy() const { return shared_->busy; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  struct Shared {
    std::atomic<bool> is_told{false}, is_at_work{false};
    std::atomic<int> written{0}, busy{0};
  };

  [[noreturn]] void run_writer(const std::filesystem::path& database, const std::string& setup,
                               const std::string& each) {
    reset_signals();
    AppDb app(database);
    app.try_run("PRAGMA busy_timeout=0;" + setup);
    while (true) {
      shared_->is_at_work = true;  // before the look at is_told, so that pause() cannot miss it
      const int code = shared_->is_told ? app.try_run(each) : SQLITE_ABORT;
      if (code == SQLITE_OK) ++shared_->written;
      if ((code & 0xff) == SQLITE_BUSY) ++shared_->busy;
      shared_->is_at_work = false;
      if (code == SQLITE_ABORT) std::this_thread::yield();
    }
  }

  Shared* shared_ = nullptr;
  pid_t pid_ = -1;
};

}  // namespace walwrap::testing
