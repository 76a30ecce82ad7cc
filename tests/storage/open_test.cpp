#include "walwrap/storage/open.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/temp_dir.hpp"

using namespace walwrap;
using namespace walwrap::storage;

TEST_CASE("a file URL or an absolute path names the directory of a replica") {
  struct Row {
    std::string url, root;
  };
  const Row rows[] = {
      {"file:///backups/db", "/backups/db"},
      {"file:///backups/db/", "/backups/db"},
      {"FILE:///backups/my%20db", "/backups/my db"},
      {"/backups/db", "/backups/db"},
      {"/backups/db//", "/backups/db"},
      {"/100%/a?b#c", "/100%/a?b#c"},  // a path is taken as it is
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto location = parse_location(row.url);
    REQUIRE_MESSAGE(location.has_value(), location.error().text);
    CHECK(location->kind == StoreKind::File);
    CHECK(location->root == row.root);
    CHECK(location->url == row.url);
  }
}

TEST_CASE("a replica that cannot be meant is refused with what to type") {
  struct Row {
    std::string url, says;
  };
  const Row rows[] = {
      {"", "file:///dir"},
      {"backups/db", "begins with '/'"},
      {"./db", "begins with '/'"},
      {"file:backups", "file:///dir"},
      {"file://backups/db", "file:///backups/db"},
      {"file://", "directory of its own"},
      {"file:///", "directory of its own"},
      {"/", "directory of its own"},
      {"///", "directory of its own"},
      {"file:///backups?region=eu", "%3F"},
      {"ftp://host/dir", "'ftp'"},
      {"file:///a%2", "%25"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto location = parse_location(row.url);
    REQUIRE_FALSE(location.has_value());
    CHECK(location.error().code == Code::Invalid);
    CAPTURE(location.error().text);
    CHECK(location.error().text.find(row.says) != std::string::npos);
  }
}

TEST_CASE("open_store opens what a location names") {
  const testing::TempDir dir;
  const auto location = parse_location("file://" + (dir / "replica").string());
  REQUIRE(location.has_value());
  const auto store = open_store(*location);
  REQUIRE_MESSAGE(store.has_value(), store.error().text);
  CHECK((*store)->describe() == location->url);
  CHECK((*store)->list("", "")->empty());
}
