#include "walwrap/replication/capture_log.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap::replication {
namespace {

struct Lines {
  std::string text;
  Log log{{.minimum = LogLevel::Info,
           .now = [] { return WallTime{}; },
           .sink = [this](std::string_view line) { text += line; }}};
};

TEST_CASE("a capture that keeps failing is logged once, and a busy one is not logged") {
  Lines lines;
  FailureEpisode episode;
  log_capture_failure(lines.log, "app.db", {Code::Busy, "locked"}, episode, MonoTime{});
  CHECK(lines.text.empty());
  log_capture_failure(lines.log, "app.db", {Code::Io, "read: EIO"}, episode, MonoTime{});
  log_capture_failure(lines.log, "app.db", {Code::Io, "read: EIO"}, episode, MonoTime{});
  CHECK(lines.text.find("cause=\"read: EIO\"") != std::string::npos);
  CHECK(lines.text.find("cause=") == lines.text.rfind("cause="));
}

TEST_CASE("a missing file is named in the log and in the status") {
  Lines lines;
  const auto reason = log_missing_file(lines.log, "app.db", Difference::DatabaseReplaced);
  CHECK(lines.text.find(reason) != std::string::npos);
  CHECK(reason.find("while the app uses it") != std::string::npos);
}

TEST_CASE("a failed snapshot request is answered with the reason") {
  Lines lines;
  const answer::Snapshot made{.error = "the store is full"};
  const auto answer = log_snapshot(lines.log, "app.db", made, Txid{3}, 7, WallTime{});
  CHECK(answer.ticket == 7);
  CHECK(answer.error == "the store is full");
  CHECK(lines.text.find("snapshot not stored") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::replication
