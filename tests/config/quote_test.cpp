#include "walwrap/config/quote.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace walwrap::config;

TEST_CASE("a value is shown in quotes on one line without anything that may be a secret") {
  struct Row {
    std::string value;
    std::string shown;
  };
  const Row rows[] = {
      {"", "\"\""},
      {"/data/app.db", "\"/data/app.db\""},
      {"file:///backup", "\"file:///backup\""},
      {"two\nlines\x1b[31m", "\"two?lines?[31m\""},
      {"s3://bucket/prefix", "\"s3://bucket/prefix\""},
      {"s3://id:pass@bucket/p", "\"s3://***@bucket/p\""},
      {"s3://id:pa/ss@bucket/p", "\"s3://***@bucket/p\""},
      {"s3://b/p?mail=a@b", "\"s3://b/p?mail=a@b\""},
      {"s3://b/p?region=x&secret_key=abc&path-style=true",
       "\"s3://b/p?region=x&secret_key=***&path-style=true\""},
      {"s3://b/p?Token=abc", "\"s3://b/p?Token=***\""},
      {std::string(300, 'x'), "\"" + std::string(200, 'x') + "...\""},
  };
  for (const Row& row : rows) CHECK(quote_value(row.value) == row.shown);
}

TEST_CASE("names of credentials are recognised in any case of letters") {
  for (const char* name : {"AWS_SECRET_ACCESS_KEY", "password", "DbPassWd", "token", "CREDENTIALS"})
    CHECK(sounds_secret(name));
  for (const char* name : {"grace", "WALWRAP_REPLICA", "database[1].path", ""})
    CHECK_FALSE(sounds_secret(name));
}
