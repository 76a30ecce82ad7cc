#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/config_sources.hpp"
#include "tests/support/text.hpp"
#include "walwrap/config/config_parser.hpp"

using namespace walwrap;
using namespace walwrap::config;
using testing::error_of;
using testing::from_environment;
using testing::from_flags;
using testing::from_toml;
using testing::has;

TEST_CASE("the databases come from the highest source that names any") {
  using List = std::vector<Database>;
  struct Row {
    const char* name;
    Sources sources;
    List expected;
  };
  Sources mixed = from_toml("db = \"/toml.db\"\nreplica = \"file:///toml\"");
  mixed.environment["WALWRAP_DB"] = "/environment.db";
  Sources flag_over_tables = from_toml(
      "[[database]]\npath = \"/a\"\nreplica = \"file:///a\"\n"
      "[[database]]\npath = \"/b\"\nreplica = \"file:///b\"");
  flag_over_tables.flags = {{"--db", "/c=file:///c"}};
  Sources replica_over_table = from_toml("[[database]]\npath = \"/a\"\nreplica = \"file:///a\"");
  replica_over_table.flags = {{"--replica", "file:///other"}};
  Sources pair_over_variable = from_environment("WALWRAP_REPLICA", "file:///ignored");
  pair_over_variable.flags = {{"--db", "/a=file:///a"}};
  Sources variables = from_environment("WALWRAP_DB", "/data/app.db");
  variables.environment["WALWRAP_REPLICA"] = "file:///backup";
  const Row rows[] = {
      {"two variables", variables, {{"/data/app.db", "file:///backup"}}},
      {"two flags",
       from_flags({{"--db", "app.db"}, {"--replica", "/backup"}}),
       {{"app.db", "/backup"}}},
      {"pairs",
       from_flags({{"--db", "/a=file:///a"}, {"--db", "/b=/b"}}),
       {{"/a", "file:///a"}, {"/b", "/b"}}},
      {"one pair in one variable",
       from_environment("WALWRAP_DB", "/a=file:///a"),
       {{"/a", "file:///a"}}},
      {"a path with '=' and a URL with a query",
       from_flags({{"--db", "/x=1.db=s3://b/p?endpoint=http://h"}}),
       {{"/x=1.db", "s3://b/p?endpoint=http://h"}}},
      {"a path with '=' and --replica",
       from_flags({{"--db", "/x=1.db"}, {"--replica", "file:///r"}}),
       {{"/x=1.db", "file:///r"}}},
      {"tables",
       from_toml("[[database]]\npath = \"/a\"\nreplica = \"file:///a\"\n"
                 "[[database]]\nreplica = \"file:///b\"\npath = \"/b\""),
       {{"/a", "file:///a"}, {"/b", "file:///b"}}},
      {"one table and a replica beside it",
       from_toml("replica = \"file:///r\"\n[[database]]\npath = \"/a\""),
       {{"/a", "file:///r"}}},
      {"database and replica from different sources", mixed, {{"/environment.db", "file:///toml"}}},
      {"flags replace tables", flag_over_tables, {{"/c", "file:///c"}}},
      {"--replica moves the one table", replica_over_table, {{"/a", "file:///other"}}},
      {"a pair beats a lower replica", pair_over_variable, {{"/a", "file:///a"}}},
      {"a database without a replica keeps none, which a run refuses",
       from_flags({{"--db", "/a"}}),
       {{"/a", ""}}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto config = parse_config(row.sources);
    REQUIRE(config.has_value());
    CHECK(config->databases == row.expected);
  }
}

TEST_CASE("databases that are repeated or incomplete are refused") {
  Sources replica_over_two = from_toml(
      "[[database]]\npath = \"/a\"\nreplica = \"file:///a\"\n"
      "[[database]]\npath = \"/b\"\nreplica = \"file:///b\"");
  replica_over_two.flags = {{"--replica", "file:///other"}};
  Sources many;
  for (int i = 0; i <= 64; ++i) {
    const auto n = std::to_string(i);
    many.flags.push_back({"--db", "/" + n + "=file:///" + n});
  }
  struct Row {
    Sources sources;
    const char* expected;
  };
  const Row rows[] = {
      {from_flags({{"--replica", "file:///r"}}), "from --replica has no database; add --db FILE"},
      {from_flags({{"--db", "/a"}, {"--db", "/b"}, {"--replica", "file:///r"}}),
       "write FILE=URL for each"},
      {from_flags({{"--db", "/a=file:///a"}, {"--db", "/b"}}), "write FILE=URL for each"},
      {from_flags({{"--db", "/a=file:///a"}, {"--replica", "file:///r"}}), "is not allowed"},
      {from_flags({{"--db", "/a=file:///a"}, {"--db", "/a=file:///b"}}), "is given twice"},
      {from_flags({{"--db", "/a=file:///r"}, {"--db", "/b=file:///r/"}}),
       "is given for two databases; each needs its own"},
      {from_flags({{"--db", "=file:///r"}}), "is empty"},
      {from_toml("db = \"/a\"\n[[database]]\npath = \"/b\"\nreplica = \"file:///b\""),
       "name all databases in one place"},
      {replica_over_two, "is not allowed"},
      {many, "65 databases, more than 64"},
  };
  for (const Row& row : rows) {
    const auto error = error_of(row.sources);
    CAPTURE(error);
    CHECK(has(error, row.expected));
  }
}
