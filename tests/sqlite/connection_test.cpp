#include "walwrap/sqlite/connection.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::sqlite {
namespace {

using testing::TempDir;

TEST_CASE("opening a connection never creates a database") {
  const TempDir directory;
  const auto opened = Connection::open(directory / "none.db", {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Code::NotFound);
  CHECK_FALSE(os::exists(directory / "none.db"));
}

TEST_CASE("a lock, a damaged file and a missing row have their own codes") {
  const TempDir directory;
  testing::AppDb app(directory / "app.db");
  app.run("CREATE TABLE t(a); BEGIN EXCLUSIVE");
  auto connection = Connection::open(directory / "app.db", {}).value();
  CHECK(connection.execute("SELECT * FROM t").error().code == Code::Busy);
  app.run("COMMIT");
  CHECK(connection.query_text("SELECT a FROM t").error().code == Code::NotFound);

  std::ofstream(directory / "broken.db") << std::string(4096, '!');
  auto broken = Connection::open(directory / "broken.db", {}).value();
  CHECK(broken.query_text("PRAGMA journal_mode").error().code == Code::Corrupt);
}

TEST_CASE("an immutable database is read without creating a file beside it") {
  const TempDir directory;
  const auto path = directory / "odd%20name?#.db";
  testing::AppDb(path).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(42)");
  auto connection = Connection::open(path, {.mode = Connection::Mode::Immutable}).value();
  CHECK(connection.query_integer("SELECT a FROM t").value() == 42);
  CHECK_FALSE(os::exists(directory / "odd%20name?#.db-wal"));
  CHECK_FALSE(os::exists(directory / "odd%20name?#.db-shm"));
  CHECK_FALSE(connection.execute("INSERT INTO t VALUES(1)").has_value());
}

}  // namespace
}  // namespace walwrap::sqlite
