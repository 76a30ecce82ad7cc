#include "walwrap/storage/aws/profile_files.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/text.hpp"

namespace walwrap::storage {
namespace {

using testing::has;

// "name{key=value,key=value} ..."
std::string profiles_text(const Profiles& profiles) {
  std::string text;
  for (const auto& [name, profile] : profiles) {
    text += (text.empty() ? "" : " ") + name + "{";
    for (const auto& [key, value] : profile) {
      text += (text.back() == '{' ? "" : ",") + key + "=" + value.reveal();
    }
    text += "}";
  }
  return text;
}

std::string read(std::string_view text, ProfileFile file = ProfileFile::Credentials) {
  const auto profiles = parse_profiles(text, file);
  if (!profiles) {
    CHECK(profiles.error().code == Code::Invalid);
    return profiles.error().text;
  }
  return profiles_text(*profiles);
}

TEST_CASE("profile files are parsed as the AWS tools parse them") {
  struct Row {
    std::string_view text;
    std::string_view what;
  };
  const Row rows[] = {
      {"", ""},
      {"# nothing\n\n; at all\n", ""},
      {"[a]\nkey = value\n", "a{key=value}"},
      {"[a]\nkey=value", "a{key=value}"},
      {"[a]\r\nkey = value\r\n", "a{key=value}"},
      {"\xef\xbb\xbf[a]\nkey = value\n", "a{key=value}"},
      {"[a]\nkey: value\n", "a{key=value}"},
      {"[a]\nKEY\t=\tVaLue \n", "a{key=VaLue}"},
      {"[ a ]  # ours\nkey = value\n", "a{key=value}"},
      {"[a]\nkey =\n", "a{key=}"},
      // Secrets of AWS hold '/', '+' and '='; a '#' is a comment only after a blank.
      {"[a]\nkey = a/b+c==\n", "a{key=a/b+c==}"},
      {"[a]\nkey = a#b;c\n", "a{key=a#b;c}"},
      {"[a]\nkey = ab # old\n", "a{key=ab}"},
      {"[a]\nkey = ab\t; old\n", "a{key=ab}"},
      // What is indented below a key is its own; a section that is indented as a whole is not.
      {"[a]\ns3 =\n  key = 5\nkey = value\n", "a{key=value,s3=}"},
      {"[a]\n  key = value\n  more = x\n", "a{key=value,more=x}"},
      {"[a]\n  s3 =\n    key = 5\n  key = value\n", "a{key=value,s3=}"},
      // The last one of a key wins, in whichever part of a section it stands.
      {"[a]\nkey = 1\nkey = 2\n[b]\n[a]\nmore = x\nkey = 3\n", "a{key=3,more=x} b{}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(read(row.text) == row.what);
  }
}

TEST_CASE("only [default] is a profile in the config file without the word profile") {
  const std::string_view text =
      "[default]\nkey = 1\n"
      "[profile a]\nkey = 2\n"
      "[profile\t\"b c\"]\nkey = 3\n"
      "[d]\nkey = 4\n"
      "[sso-session e]\nkey = 5\n"
      "[profiled]\nkey = 6\n"
      "[services f]\ns3 =\n  endpoint_url = x\n";
  CHECK(read(text, ProfileFile::Config) == "a{key=2} b c{key=3} default{key=1}");
  CHECK(read("[profile a]\nkey = 1\n") == "profile a{key=1}");
}

TEST_CASE("a malformed profile file is refused by line number, without showing the line") {
  struct Row {
    std::string_view text;
    std::string_view where;
  };
  const Row rows[] = {
      {"hunter2 = x\n", "line 1"},           {"\n[a\nhunter2 = x\n", "line 2"},
      {"[a] hunter2\n", "line 1"},           {"[a]\nkey = 1\nhunter2\n", "line 3"},
      {"[a]\n= hunter2\n", "line 2"},        {"{\"hunter2\": 1}", "line 1"},
      {"<hunter2>\n</hunter2>\n", "line 1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string said = read(row.text);
    CHECK(has(said, row.where));
    CHECK_FALSE(has(said, "hunter2"));
  }
}

TEST_CASE("the credentials file overrides the config file, key by key") {
  auto profiles = *parse_profiles("[a]\nkey = 1\n[b]\nkey = 2\n", ProfileFile::Credentials);
  merge_profiles(profiles, *parse_profiles("[profile a]\nkey = 3\nregion = x\n[default]\nkey = 4\n",
                                           ProfileFile::Config));
  CHECK(profiles_text(profiles) == "a{key=1,region=x} b{key=2} default{key=4}");
  CHECK(value_of(profiles.at("a"), "region") == "x");
  CHECK(value_of(profiles.at("a"), "none").empty());
}

}  // namespace
}  // namespace walwrap::storage
