#include "walwrap/sqlite/unix_vfs.hpp"

#include <doctest/doctest.h>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/sqlite/connection.hpp"

namespace walwrap::sqlite {
namespace {

struct Marked : WrappedFile {
  int wrap(sqlite3_file* /*file*/) {
    mark = 42;
    methods.iVersion = 1;
    return SQLITE_OK;
  }
  int mark = 0;
};

struct Refused : WrappedFile {
  int wrap(sqlite3_file* /*file*/) { return SQLITE_IOERR; }
};

struct Database {
  Database() {
    testing::AppDb(directory / "app.db").run("CREATE TABLE t(a); INSERT INTO t VALUES(7)");
  }
  testing::TempDir directory;
};

TEST_CASE("a wrapped database file has its own data and the methods of the unix VFS") {
  const Database database;
  register_wrapped<Marked>("test-marked");
  register_wrapped<Marked>("test-marked");  // the second time changes nothing
  auto connection = Connection::open(database.directory / "app.db", {.vfs = "test-marked"}).value();
  CHECK(connection.query_integer("SELECT a FROM t").value() == 7);
  sqlite3_file* file = connection.file();
  const Marked* marked = wrapped<Marked>(file);
  CHECK(marked->mark == 42);
  CHECK(file->pMethods == &marked->methods);
  REQUIRE(marked->base != nullptr);
  CHECK(marked->base != file->pMethods);
  CHECK((marked->base->xRead == file->pMethods->xRead));
  CHECK(marked->base->iVersion > 1);
  CHECK(file->pMethods->iVersion == 1);
}

TEST_CASE("only a main database file is wrapped") {
  const Database database;
  register_wrapped<Marked>("test-marked");
  auto connection = Connection::open(database.directory / "app.db", {.vfs = "test-marked"}).value();
  REQUIRE(connection.execute("BEGIN; INSERT INTO t VALUES(8)").has_value());
  sqlite3_file* journal = nullptr;
  REQUIRE(sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                               &journal) == SQLITE_OK);
  REQUIRE(journal != nullptr);
  REQUIRE(journal->pMethods != nullptr);
  CHECK((journal->pMethods->xRead == wrapped<Marked>(connection.file())->base->xRead));
  CHECK(journal->pMethods->iVersion > 1);
}

TEST_CASE("a database whose file cannot be wrapped cannot be read") {
  const Database database;
  register_wrapped<Refused>("test-refused");
  auto connection = Connection::open(database.directory / "app.db", {.vfs = "test-refused"});
  CHECK_FALSE((connection && connection->execute("SELECT a FROM t").has_value()));
}

}  // namespace
}  // namespace walwrap::sqlite
