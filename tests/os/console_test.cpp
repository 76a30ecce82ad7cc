#include "walwrap/os/console.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

using namespace walwrap;

namespace {

// Puts a pipe in the place of standard error or output, and the old one back.
class PipedStandard {
 public:
  explicit PipedStandard(int number) : number_(number), saved_(::dup(number)) {
    REQUIRE(::pipe(ends_) == 0);
    REQUIRE(::dup2(ends_[1], number_) == number_);
    ::close(ends_[1]);
  }
  ~PipedStandard() {
    restore();
    ::close(ends_[0]);
  }
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, number_);
    ::close(saved_);
    saved_ = -1;
  }
  // All that was written; restores, so that the pipe ends.
  std::string read_all() {
    restore();
    std::string text;
    char buffer[4096];
    for (ssize_t got = 1; got > 0;) {
      got = ::read(ends_[0], buffer, sizeof(buffer));
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  int number_;
  int saved_;
  int ends_[2] = {-1, -1};
};

}  // namespace

TEST_CASE("everything written to standard error and output arrives complete") {
  const std::string text(20'000, 'x');
  for (const int number : {STDOUT_FILENO, STDERR_FILENO}) {
    PipedStandard pipe(number);
    const bool written = number == STDERR_FILENO ? os::write_stderr(text) : os::write_stdout(text);
    const auto arrived = pipe.read_all();
    CHECK(written);
    CHECK(arrived == text);
  }
}

TEST_CASE("a blocked reader of standard error does not block walwrap") {
  PipedStandard pipe(STDERR_FILENO);
  const std::string line(4000, 'x');
  int written = 0;
  while (written < 1000 && os::write_stderr(line)) ++written;
  pipe.restore();
  CHECK(written > 0);
  CHECK(written < 1000);  // a pipe holds 64 KiB; the rest was dropped, not waited for
}

TEST_CASE("writing to a closed standard error is not an error") {
  const int saved = ::dup(STDERR_FILENO);
  ::close(STDERR_FILENO);
  const bool written = os::write_stderr("nobody hears this\n");
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  CHECK_FALSE(written);
}

TEST_CASE("a pipe is not a terminal") {
  PipedStandard pipe(STDERR_FILENO);
  const bool is_terminal = os::is_stderr_a_terminal();
  pipe.restore();
  CHECK_FALSE(is_terminal);
}
