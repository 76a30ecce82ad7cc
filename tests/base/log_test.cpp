#include "walwrap/base/log.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace walwrap;
using namespace std::chrono_literals;

namespace {

constexpr WallTime kTime{1767225601250ms};

std::string logfmt(std::string_view message, std::initializer_list<LogField> fields) {
  return format_log_line(LogFormat::Logfmt, kTime, LogLevel::Info, message, fields);
}

std::string json(std::string_view message, std::initializer_list<LogField> fields) {
  return format_log_line(LogFormat::Json, kTime, LogLevel::Warn, message, fields);
}

}  // namespace

TEST_CASE("a log line is logfmt: time, level, message, then the fields in their order") {
  CHECK(logfmt("ltx stored", {{"db", "app.db"}, {"txid", Txid{161}}, {"took_ms", 38}}) ==
        "time=2026-01-01T00:00:01.250Z level=info msg=\"ltx stored\" db=app.db "
        "txid=00000000000000a1 took_ms=38");
  CHECK(logfmt("started", {}) == "time=2026-01-01T00:00:01.250Z level=info msg=started");
}

TEST_CASE("a JSON log line has numbers as numbers and names as strings") {
  CHECK(json("ltx stored", {{"txid", Txid{161}}, {"bytes", 4120U}, {"full", true}, {"of", "7"}}) ==
        R"({"time":"2026-01-01T00:00:01.250Z","level":"warn","msg":"ltx stored",)"
        R"("txid":"00000000000000a1","bytes":4120,"full":true,"of":"7"})");
}

TEST_CASE("a value cannot split a log line or a field, whatever it contains") {
  const struct {
    std::string_view value;
    std::string_view as_logfmt;
    std::string_view as_json;
  } cases[] = {
      {"", R"("")", R"("")"},
      {"plain-1.db", "plain-1.db", R"("plain-1.db")"},
      {"two words", R"("two words")", R"("two words")"},
      {"a=b", R"("a=b")", R"("a=b")"},
      {R"(say "hi")", R"("say \"hi\"")", R"("say \"hi\"")"},
      {R"(C:\x)", R"("C:\\x")", R"("C:\\x")"},
      {"a\nlevel=error", R"("a\nlevel=error")", R"("a\nlevel=error")"},
      {"tab\there", R"("tab\there")", R"("tab\there")"},
      {"\x1b[31m", R"("\x1b[31m")", R"("\u001b[31m")"},
      {"\x7f", R"("\x7f")", R"("\u007f")"},
      {"caf\xc3\xa9", "\"caf\xc3\xa9\"", "\"caf\xc3\xa9\""},
      {"\xf0\x9f\x90\x98", "\"\xf0\x9f\x90\x98\"", "\"\xf0\x9f\x90\x98\""},
      {"\xc2\x9b"
       "31m",
       R"("\xc2\x9b31m")", R"("\u009b31m")"},
      {"bad\xff", R"("bad\xff")", R"("bad\ufffd")"},
      {"cut\xe2\x82", R"("cut\xe2\x82")", R"("cut\ufffd\ufffd")"},
      {"\xed\xa0\x80", R"("\xed\xa0\x80")", R"("\ufffd\ufffd\ufffd")"},
      {"\xc0\xaf", R"("\xc0\xaf")", R"("\ufffd\ufffd")"},
      {std::string_view("a\0b", 3), R"("a\x00b")", R"("a\u0000b")"},
  };
  const std::string logfmt_prefix = logfmt("m", {}) + " k=";
  const std::string json_prefix =
      R"({"time":"2026-01-01T00:00:01.250Z","level":"warn","msg":"m","k":)";
  for (const auto& c : cases) {
    CAPTURE(c.as_logfmt);
    CHECK(logfmt("m", {{"k", c.value}}) == logfmt_prefix + std::string(c.as_logfmt));
    CHECK(json("m", {{"k", c.value}}) == json_prefix + std::string(c.as_json) + "}");
  }
}

TEST_CASE("a log line never shows a secret") {
  const Secret<std::string> secret("hunter2");
  CHECK(logfmt("m", {{"key", secret}}).find("hunter2") == std::string::npos);
  CHECK(json("m", {{"key", secret}}).find("***") != std::string::npos);
  CHECK(secret.reveal() == "hunter2");
}

TEST_CASE("a log writes whole lines of its level and above, with the time of the given clock") {
  std::vector<std::string> lines;
  const Log log({.minimum = LogLevel::Warn,
                 .now = [] { return kTime; },
                 .sink = [&](std::string_view line) { lines.emplace_back(line); }});
  log.debug("no");
  log.info("no");
  log.warn("slow", {{"n", 1}});
  log.error("broken");
  CHECK(lines ==
        std::vector<std::string>{"time=2026-01-01T00:00:01.250Z level=warn msg=slow n=1\n",
                                 "time=2026-01-01T00:00:01.250Z level=error msg=broken\n"});
}

TEST_CASE("a log without a sink writes nothing and needs no clock") {
  const Log log({});
  CHECK_NOTHROW(log.error("nobody listens"));
}

TEST_CASE("a repeating failure is logged when it starts, every 30 seconds, and when it ends") {
  using Say = FailureEpisode::Say;
  FailureEpisode episode;
  const MonoTime start{100s};
  CHECK(episode.on_success() == Say::Nothing);
  CHECK(episode.on_failure(start) == Say::Started);
  CHECK(episode.on_failure(start + 1s) == Say::Nothing);
  CHECK(episode.on_failure(start + 29s) == Say::Nothing);
  CHECK(episode.on_failure(start + 30s) == Say::Continues);
  CHECK(episode.failures() == 4);
  CHECK(episode.on_failure(start + 59s) == Say::Nothing);
  CHECK(episode.on_failure(start + 75s) == Say::Continues);
  CHECK(episode.on_success() == Say::Ended);
  CHECK(episode.failures() == 6);
  CHECK(episode.on_success() == Say::Nothing);
}

TEST_CASE("a failure after the end of an earlier one is logged at once") {
  using Say = FailureEpisode::Say;
  FailureEpisode episode;
  static_cast<void>(episode.on_failure(MonoTime{1s}));
  static_cast<void>(episode.on_success());
  CHECK(episode.on_failure(MonoTime{2s}) == Say::Started);
  CHECK(episode.failures() == 1);
}
