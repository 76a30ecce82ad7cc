#include "walwrap/replication/restore/placing.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

using testing::TempDir;
using testing::text_of;
using testing::write_text;

std::string some_database() {
  std::string bytes = "SQLite format 3";
  bytes.resize(3'000'000);
  for (std::size_t at = 16; at < bytes.size(); ++at) bytes[at] = static_cast<char>(at * 7 % 251);
  return bytes;
}

TEST_CASE("a restored file takes the database's name and leaves no temporary name") {
  const TempDir dir;
  write_text(dir / "incoming", "whole");
  write_text(dir / "app.db", "");
  REQUIRE(place_database(dir / "incoming", dir / "app.db").has_value());
  CHECK(text_of(dir / "app.db") == "whole");
  CHECK(testing::names_in(dir.path()) == std::vector<std::string>{"app.db"});
}

TEST_CASE("a restored file written into an existing one keeps that file and equals it") {
  const TempDir dir;
  const auto bytes = some_database();
  write_text(dir / "incoming", bytes);
  write_text(dir / "app.db", std::string(5'000'000, 'x'));
  const auto before = os::status_of(dir / "app.db").value();
  REQUIRE(write_into(dir / "incoming", dir / "app.db").has_value());
  CHECK(os::status_of(dir / "app.db").value().id == before.id);
  CHECK(os::status_of(dir / "app.db").value().size == bytes.size());
  const auto written = os::read_file(dir / "app.db", 10'000'000).value();
  CHECK(as_text(written) == bytes);
  CHECK_FALSE(os::exists(dir / "incoming"));
}

TEST_CASE("a restore may use only an absent or empty path, and no database is empty") {
  const TempDir dir;
  CHECK(is_free_for_restore(dir / "app.db"));
  write_text(dir / "app.db", "");
  CHECK(is_free_for_restore(dir / "app.db"));
  write_text(dir / "app.db", "SQLite format 3");
  CHECK_FALSE(is_free_for_restore(dir / "app.db"));
  // Ours in a file that is not mounted: no restore of ours has written it.
  write_text(dir / "app.db", "walwrap writes a restored database into this file\n");
  CHECK_FALSE(is_free_for_restore(dir / "app.db"));
  CHECK_FALSE(is_free_for_restore("/proc"));
}

}  // namespace
}  // namespace walwrap::replication
