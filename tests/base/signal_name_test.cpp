#include "walwrap/base/signal_name.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>

namespace walwrap {
namespace {

TEST_CASE("parsing a signal's name gives back its number") {
  for (int number = 1; number <= kLastSignal; ++number) {
    CAPTURE(number);
    CHECK(parse_signal(format_signal(number)) == number);
  }
}

TEST_CASE("signals are named as people write them") {
  struct Row {
    std::string_view text;
    std::optional<int> number;
  };
  for (const Row& row : {
           Row{"SIGTERM", SIGTERM},
           Row{"TERM", SIGTERM},
           Row{"term", SIGTERM},
           Row{"sigInt", SIGINT},
           Row{"15", 15},
           Row{"64", 64},
           Row{"SIGRTMIN", SIGRTMIN},
           Row{"RTMIN+3", SIGRTMIN + 3},
           Row{"rtmax-1", SIGRTMAX - 1},
           Row{"SIGRTMAX", SIGRTMAX},
           Row{"", std::nullopt},
           Row{"SIG", std::nullopt},
           Row{"SIGNONE", std::nullopt},
           Row{"0", std::nullopt},
           Row{"65", std::nullopt},
           Row{"-15", std::nullopt},
           Row{"15x", std::nullopt},
           Row{" TERM", std::nullopt},
           Row{"RTMIN+", std::nullopt},
           Row{"RTMIN-1", std::nullopt},
           Row{"RTMIN+99", std::nullopt},
           Row{"RTMIN+-1", std::nullopt},
           Row{"99999999999999999999", std::nullopt},
       }) {
    CAPTURE(row.text);
    CHECK(parse_signal(row.text) == row.number);
  }
  CHECK(short_signal_name(SIGSEGV) == "SEGV");
  CHECK(short_signal_name(SIGRTMIN).empty());
  CHECK(format_signal(SIGTERM) == "SIGTERM");
  CHECK(format_signal(SIGRTMIN) == "SIGRTMIN");
  CHECK(format_signal(SIGRTMIN + 3) == "SIGRTMIN+3");
  CHECK(format_signal(SIGRTMAX) == fmt::format("SIGRTMIN+{}", SIGRTMAX - SIGRTMIN));
}

}  // namespace
}  // namespace walwrap
