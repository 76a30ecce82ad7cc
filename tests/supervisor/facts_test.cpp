#include "walwrap/supervisor/facts.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;

// What follows the time, without the newline.
std::string text_line_of(const Fact& fact) {
  std::string text;
  const Log log({.minimum = LogLevel::Debug,
                 .format = LogFormat::Logfmt,
                 .now = [] { return WallTime{}; },
                 .sink = [&text](std::string_view line) { text += line; }});
  say(log, fact);
  const auto start = text.find("level=");
  REQUIRE(start != std::string::npos);
  REQUIRE(text.find('\n') == text.size() - 1);
  return text.substr(start, text.size() - start - 1);
}

TEST_CASE("the last log line gives the flush result, its position and the time left") {
  fact::Stopped stopped;
  stopped.exit_code = 0;
  stopped.flush = FlushOutcome::Ok;
  stopped.txid = Txid{0xa1};
  stopped.lag_bytes = 0;
  stopped.fencing = Fencing::On;
  stopped.total = 812ms;
  stopped.left = 9'188ms;
  CHECK(text_line_of(stopped) ==
        "level=info msg=stopped flush=ok txid=00000000000000a1 lag_bytes=0 fencing=on "
        "total_ms=812 left_ms=9188 exit=0");
  stopped.exit_code = 74;
  stopped.flush = FlushOutcome::Partial;
  stopped.lag_bytes = 4'096;
  stopped.fencing = Fencing::Off;
  stopped.missing = "2 transactions: store does not answer";
  CHECK(text_line_of(stopped) ==
        "level=error msg=stopped flush=partial txid=00000000000000a1 lag_bytes=4096 fencing=off "
        "total_ms=812 left_ms=9188 exit=74 missing=\"2 transactions: store does not answer\"");
  stopped.flush = FlushOutcome::Nothing;
  CHECK(text_line_of(stopped).find("level=warn msg=stopped flush=nothing") == 0);
  CHECK(text_line_of(fact::Stopped{}).find("flush=none") != std::string::npos);
}

TEST_CASE("events become log lines with constant messages, keys and units") {
  CHECK(text_line_of(fact::AppStarted{os::Pid{42}}) == "level=info msg=\"app started\" pid=42");
  CHECK(text_line_of(fact::AppEnded{{.code = 0, .signal = SIGTERM}, 1'500ms}) ==
        "level=info msg=\"app ended\" status=SIGTERM ran_ms=1500");
  CHECK(text_line_of(fact::AppEnded{{.code = 7, .signal = 0}, 1ms}) ==
        "level=info msg=\"app ended\" status=7 ran_ms=1");
  CHECK(text_line_of(fact::StopBegun{SIGTERM, 1, {6'500ms, 3'000ms, 500ms}}) ==
        "level=info msg=\"stop begun\" signal=SIGTERM sender=1 app_ms=6500 flush_ms=3000 "
        "margin_ms=500");
  CHECK(text_line_of(fact::ReplicatorDied{{.code = 0, .signal = SIGKILL}, 3, 400ms}) ==
        "level=warn msg=\"replicator died\" status=SIGKILL times=3 restart_in_ms=400");
  CHECK(text_line_of(fact::StartRefused{125, "replica unknown"}) ==
        "level=error msg=\"start refused\" reason=\"replica unknown\" exit=125");
  CHECK(text_line_of(fact::AppOutOfMemory{}) ==
        "level=error msg=\"app was killed: out of memory; raise the container's limit or reduce "
        "the app's use\"");
  CHECK(text_line_of(fact::AppKilled{fact::KillReason::ThirdSignal, 4s}) ==
        "level=warn msg=\"app killed\" reason=\"third stop signal\" after_ms=4000");
}

}  // namespace
}  // namespace walwrap::supervisor
