// The extension as SQLite loads it: from the file that the build makes.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>

#include "tests/support/api_rig.hpp"

namespace {

using walwrap::testing::ApiRig;
using walwrap::testing::TempDir;
namespace os = walwrap::os;

class Connection {
 public:
  explicit Connection(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
    char* error = nullptr;
    const int loaded = sqlite3_load_extension(db_, WALWRAP_EXTENSION, nullptr, &error);
    INFO((error == nullptr ? "" : error));
    REQUIRE(loaded == SQLITE_OK);
  }
  ~Connection() { sqlite3_close(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The first value, or "error: ...".
  std::string run(const std::string& sql) {
    std::string value;
    char* error = nullptr;
    const auto first = [](void* text, int count, char** values, char**) {
      auto& out = *static_cast<std::string*>(text);
      if (out.empty() && count > 0) out = values[0] == nullptr ? "null" : values[0];
      return 0;
    };
    if (sqlite3_exec(db_, sql.c_str(), first, &value, &error) != SQLITE_OK) {
      value = std::string("error: ") + error;
    }
    sqlite3_free(error);
    return value;
  }

 private:
  sqlite3* db_ = nullptr;
};

// A walwrap around, and its database as the app has it open.
struct Scene {
  ApiRig rig;
  Connection app{(rig.directory / "app.db").string()};

  Scene() {
    ::setenv("WALWRAP_SOCKET", rig.path.c_str(), 1);
    app.run("pragma journal_mode=wal; create table t(a)");
  }
  ~Scene() { ::unsetenv("WALWRAP_SOCKET"); }

  os::Thread capturing(std::uint64_t stored) {
    return os::Thread(
        "capture",
        [this, stored] {
          for (std::uint64_t i = 1; i <= 2 && rig.is_asked(i); ++i) rig.look(5, stored);
        },
        [](std::string_view) {});
  }
};

TEST_CASE("without walwrap each function returns one clear error") {
  ::unsetenv("WALWRAP_SOCKET");
  const TempDir directory;
  Connection app((directory / "app.db").string());
  for (const std::string call :
       {"walwrap_wait(5000)", "walwrap_position()", "walwrap_status()", "walwrap_wait(1, 'x')"}) {
    CAPTURE(call);
    CHECK(app.run("select " + call) ==
          "error: no walwrap is running here: WALWRAP_SOCKET is not set");
  }
}

TEST_CASE("walwrap_wait() returns 1 when stored and 0 after the time-out") {
  Scene scene;
  {
    const auto capture = scene.capturing(5);
    CHECK(scene.app.run("insert into t values (1); select walwrap_wait(10000)") == "1");
    CHECK(scene.app.run("select walwrap_wait(10000)") == "1");
  }
  CHECK(scene.app.run("select walwrap_wait(50)") == "0");
}

TEST_CASE("a position from walwrap_position() can be waited for later") {
  Scene scene;
  const auto position = [&] {
    const auto capture = scene.capturing(4);
    auto found = scene.app.run("select walwrap_position()");
    CHECK(scene.app.run("select walwrap_wait(0, walwrap_position())") == "0");
    return found;
  }();
  CHECK(position.size() > 30);
  scene.rig.progress.stored = 5;
  scene.rig.sync_requests->publish(scene.rig.progress);
  CHECK(scene.app.run("select walwrap_wait(10000, '" + position + "')") == "1");
}

TEST_CASE("walwrap_status() returns JSON that SQLite reads") {
  Scene scene;
  CHECK(scene.app.run("select json_extract(walwrap_status(), '$.version')") == "test");
}

TEST_CASE("a wait is an error in a write transaction, and works in a read transaction") {
  Scene scene;
  const std::string refused =
      "error: a write transaction is open; COMMIT first, because only what is committed is stored";
  CHECK(scene.app.run("begin; insert into t values (1); select walwrap_wait(10)") == refused);
  CHECK(scene.app.run("select walwrap_position()") == refused);
  CHECK(scene.app.run("commit; begin immediate; select walwrap_wait(10)") == refused);
  CHECK(scene.app.run("rollback; insert into t select walwrap_wait(10)") == refused);
  CHECK(scene.app.run("begin; select count(*) from t; commit") == "1");
  CHECK(scene.app.run("begin; select walwrap_wait(0) from t") == "0");
  CHECK(scene.app.run("commit").empty());
}

TEST_CASE("the functions ask about the database of the connection") {
  Scene scene;
  Connection other((scene.rig.directory / "other.db").string());
  other.run("create table t(a)");
  CHECK(other.run("select walwrap_wait(10)").starts_with("error: There is no such database: "));
  Connection memory(":memory:");
  CHECK(memory.run("select walwrap_wait(10)") ==
        "error: this connection has no database file, so nothing is stored");
  const auto link = scene.rig.directory / "link.db";
  std::filesystem::create_symlink(scene.rig.directory / "app.db", link);
  Connection linked(link.string());
  CHECK(linked.run("select walwrap_wait(0)") == "0");
}

TEST_CASE("a connection whose file was replaced gets an error, and never that it is stored") {
  Scene scene;
  const auto path = scene.rig.directory / "app.db";
  const auto next = scene.rig.directory / "next.db";
  Connection(next.string()).run("create table t(a)");
  std::filesystem::rename(next, path);
  const std::string moved =
      "error: the file of this database was moved or replaced; close the connection and open it "
      "again";
  CHECK(scene.app.run("select walwrap_wait(500)") == moved);
  CHECK(scene.app.run("select walwrap_position()") == moved);
  std::filesystem::remove(path);
  CHECK(scene.app.run("select walwrap_wait(500)") == moved);
}

TEST_CASE("wrong arguments are refused with a message") {
  Scene scene;
  for (const std::string arguments : {"'soon'", "null", "1.5"}) {
    CAPTURE(arguments);
    CHECK(scene.app.run("select walwrap_wait(" + arguments + ")") ==
          "error: walwrap_wait() needs the milliseconds to wait, as in walwrap_wait(5000)");
  }
  CHECK(scene.app.run("select walwrap_wait(-1)").starts_with("error: -1 ms is not a time"));
  CHECK(scene.app.run("select walwrap_wait(99999999999)").starts_with("error: 2147483647 ms is"));
  CHECK(scene.app.run("select walwrap_wait(5, null)").starts_with("error: the position is empty"));
  CHECK(scene.app.run("select walwrap_wait(5, 'now')").starts_with("error: A parameter is wrong"));
  CHECK(scene.app.run("select walwrap_wait()").starts_with("error: wrong number of arguments"));
}

TEST_CASE("a view cannot call walwrap_wait()") {
  Scene scene;
  scene.app.run("create view v as select walwrap_wait(60000)");
  CHECK(scene.app.run("select * from v").starts_with("error: unsafe use of walwrap_wait()"));
}

}  // namespace
