#include "walwrap/config/paths.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/config_sources.hpp"
#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::config;
using testing::error_of;
using testing::from_environment;
using testing::from_flags;
using testing::from_toml;
using testing::has;

TEST_CASE("a database is a path or a URL that other programs accept as a path") {
  struct Row {
    const char* text;
    const char* path;
  };
  const Row rows[] = {
      {"/data/app.db", "/data/app.db"},
      {"app.db", "app.db"},
      {"./my data/app$.db", "./my data/app$.db"},
      {"/x:y/app.db", "/x:y/app.db"},
      {"c:app.db", "c:app.db"},
      {"file:/data/app.db", "/data/app.db"},
      {"file:///data/app.db", "/data/app.db"},
      {"file://localhost/data/app.db", "/data/app.db"},
      {"file:app.db", "app.db"},
      {"FILE:./app.db?mode=rwc&cache=shared", "./app.db"},
      {"file:///my%20data/100%25.db", "/my data/100%.db"},
      {"sqlite:///data/app.db", "/data/app.db"},
      {"sqlite:////data/app.db", "/data/app.db"},
      {"sqlite://app.db", "app.db"},
      {"sqlite:app.db", "app.db"},
      {"sqlite:/data/app.db?mode=rw", "/data/app.db"},
      {"sqlite3:///data/app.db", "/data/app.db"},
      {"sqlite+aiosqlite:////data/app.db", "/data/app.db"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto path = parse_database_path(row.text);
    REQUIRE_MESSAGE(path.has_value(), path.error().text);
    CHECK(*path == row.path);
  }
}

TEST_CASE("a malformed database path is refused, and the message names the fault") {
  struct Row {
    const char* text;
    const char* problem;
  };
  const Row rows[] = {
      {"", "is empty"},
      {"\"/data/app.db\"", "quotation mark (\") at its start"},
      {"'/data/app.db'", "quotation mark (') at its start"},
      {"/data/app.db\"", "quotation mark (\") at its end"},
      {" /data/app.db", "blank at its start"},
      {"/data/app.db ", "blank at its end"},
      {"/data/app.db\xc2\xa0", "blank at its end"},
      {"\xef\xbb\xbf/data/app.db", "byte order mark at its start"},
      {"/data/app.db\r", "carriage return"},
      {"/data/app.db\n", "line break"},
      {"/data\t/app.db", "a tab"},
      {"/data/\x01"
       "app.db",
       "control character 0x01"},
      {"~/app.db", "begins with ~"},
      {"$HOME/app.db", "contains \"$HOME\""},
      {"/x/${DIR}/app.db", "contains \"${DIR}\""},
      {"/x/$(pwd)/app.db", "contains \"$(pwd)\""},
      {"{{ .Values.db }}", "no template engine has expanded"},
      {"/data/*.db", "contains *, and patterns are not supported"},
      {"/data/app?.db", "contains ?"},
      {"/data/[a-z].db", "contains ["},
      {"/data/", "is a directory"},
      {"C:\\data\\app.db", "is a Windows path"},
      {":memory:", "in-memory"},
      {"file::memory:?cache=shared", "in-memory"},
      {"file:app.db?mode=memory", "in-memory"},
      {"file:/data/app.db?mode=ro",
       "has the parameter \"mode=ro\", which walwrap does not support"},
      {"file:/data/app.db?vfs=unix-none", "\"vfs=unix-none\""},
      {"file:/data/app.db?immutable=1", "write \"/data/app.db\""},
      {"sqlite:///data/app.db?hexkey=00ff", "the parameter \"hexkey\""},
      {"file://data/app.db", "with a host"},
      {"file:/data/app.db#x", "contains a #"},
      {"file:/data/%zz", "% without two hex digits"},
      {"file:/data/%2A.db", "contains *"},
      {"file:/data/%00.db", "control character 0x00"},
      {"sqlite:///app.db", "means /app.db to some programs"},
      {"sqlite://", "is empty"},
      {"postgres://host/app", "is not the URL of a file"},
      {"jdbc:sqlite:/data/app.db", "is not the URL of a file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto path = parse_database_path(row.text);
    REQUIRE_FALSE(path.has_value());
    CHECK_MESSAGE(has(path.error().text, row.problem), path.error().text);
  }
}

TEST_CASE("a replica keeps its URL's query, and a malformed URL is refused") {
  CHECK_FALSE(check_replica("s3://bucket/app?endpoint=http://h:9000&path-style=true"));
  CHECK_FALSE(check_replica("file:///backup/app"));
  CHECK_FALSE(check_replica("/backup/app"));
  for (const char* text : {"\"s3://bucket/app\"", "s3://bucket/app ", "s3://bucket/app\r",
                           "s3://$BUCKET/app", "s3://${BUCKET}/app", "~/backup", "/backup/*", ""}) {
    CAPTURE(text);
    CHECK(check_replica(text).has_value());
  }
}

TEST_CASE("a malformed value is refused with its source: variable, flag or line") {
  const auto said = [](const Sources& sources) { return error_of(sources); };
  CHECK(has(said(from_environment("WALWRAP_DB", "'/a.db'")), "from environment WALWRAP_DB has"));
  CHECK(has(said(from_flags({{"--db", "/a.db "}, {"--replica", "/r"}})), "from --db has a blank"));
  CHECK(
      has(said(from_flags({{"--db", "/a.db"}, {"--replica", "/r\r"}})), "from --replica contains"));
  CHECK(has(said(from_flags({{"--db", "/a.db='/r'"}})), "(') at its end"));
  Sources both = from_environment("WALWRAP_DB", "/a.db");
  both.environment["WALWRAP_REPLICA"] = "s3://bucket/app\n";
  CHECK(has(said(both), "from environment WALWRAP_REPLICA contains a line break"));
  CHECK(has(said(from_toml("db = \"~/a.db\"\nreplica = \"/r\"")), "walwrap.toml, line 1 begins"));
  for (const char* flag : {"--socket", "--ready-file", "--ca-file"}) {
    CHECK(has(said(from_flags({{flag, "$HOME/x"}})), "which was not expanded"));
  }
}
