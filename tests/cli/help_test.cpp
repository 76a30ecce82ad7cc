#include "walwrap/cli/help.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/text.hpp"
#include "walwrap/config/settings.hpp"

namespace walwrap::cli {
namespace {

using testing::has;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

TEST_CASE("the help fits on one screen of 24 lines and 80 columns, with an example") {
  const auto lines = lines_of(format_help(""));
  CHECK(lines.size() <= 24);
  for (const auto& line : lines) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
  CHECK(has(format_help(""), "walwrap [options] -- command [args...]"));
  CHECK(has(format_help(""), "example: "));
}

TEST_CASE("the first help screen names the variable of each option that it shows") {
  for (const char* flag : {"--db", "--replica", "--grace", "--user", "--listen"}) {
    CAPTURE(flag);
    CHECK(has(format_help(""), flag));
    CHECK(has(format_help(""), "[" + std::string(config::find_flag(flag)->environment) + "]"));
  }
  std::size_t column = 0;
  for (const auto& line : lines_of(format_help(""))) {
    const auto bracket = line.find("[WALWRAP_");
    if (bracket == std::string::npos) continue;
    CAPTURE(line);
    CHECK(line[bracket - 1] == ' ');
    CHECK((column == 0 || bracket == column));
    column = bracket;
  }
}

TEST_CASE("each command has its own help, and no other word has any") {
  CHECK(has(format_help("run"), config::format_settings_help()));
  const auto restore = format_help("restore");
  for (const char* flag :
       {"--replica URL", "--output FILE", "--txid HEX16", "--timestamp TIME", "--if-absent",
        "--force", "--integrity quick|full|none", "--quiet", "--ca-file FILE"}) {
    CHECK(has(restore, flag));
  }
  for (const char* topic : {"help", "version", "status", "wait", "flush", "snapshot", "doctor"}) {
    CAPTURE(topic);
    CHECK_FALSE(format_help(topic).empty());
    CHECK(has(format_help(""), topic));
  }
  for (const char* absent : {"ls", "verify"}) {
    CHECK(format_help(absent).empty());
    CHECK_FALSE(has(format_help(""), "  " + std::string(absent) + " "));
  }
}

TEST_CASE("no line of help is longer than 100 columns") {
  for (const char* topic : {"run", "restore", "doctor", "status", "wait", "flush", "snapshot"}) {
    for (const auto& line : lines_of(format_help(topic))) {
      CAPTURE(line);
      CHECK(line.size() <= 100);
    }
  }
}

}  // namespace
}  // namespace walwrap::cli
