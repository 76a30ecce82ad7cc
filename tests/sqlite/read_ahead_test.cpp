#include "walwrap/sqlite/read_ahead.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/sqlite/connection.hpp"

namespace walwrap::sqlite {
namespace {

using testing::AppDb;
using testing::TempDir;

Connection immutable(const std::filesystem::path& path) {
  return Connection::open(path,
                          {.mode = Connection::Mode::Immutable, .busy_timeout = {}, .vfs = nullptr})
      .value();
}

// Two tables that grow in turn, an index in another order, and rows of many pages.
void fill(AppDb& app, int rows) {
  app.run(
      "CREATE TABLE a(id INTEGER PRIMARY KEY, x INT, body BLOB); CREATE INDEX by_x ON a(x);"
      "CREATE TABLE b(id INTEGER PRIMARY KEY, body BLOB); BEGIN");
  for (int i = 0; i < rows; ++i) {
    app.run(fmt::format("INSERT INTO a VALUES({}, {}, randomblob({}))", i, i * 7919 % rows,
                        i % 50 == 0 ? 20'000 : 300));
    app.run("INSERT INTO b(body) VALUES(randomblob(200))");
  }
  app.run("COMMIT");
}

// Every value, in the order of the file and in that of the index.
constexpr const char* kContents =
    "SELECT (SELECT group_concat(hex(body)) FROM a) || (SELECT group_concat(hex(body)) FROM"
    " (SELECT body FROM a INDEXED BY by_x WHERE x >= 0 ORDER BY x))"
    " || (SELECT group_concat(hex(body)) FROM b)";

TEST_CASE("read-ahead gives the file's bytes, for every page size and order") {
  for (const int page_size : {512, 4096, 65536}) {
    CAPTURE(page_size);
    const TempDir directory;
    AppDb app(directory / "app.db");
    app.run(fmt::format("PRAGMA page_size={}", page_size));
    fill(app, 300);
    auto connection = immutable(directory / "app.db");
    CHECK(connection.query_text(kContents).value() == app.text(kContents));
    CHECK(connection.query_text("PRAGMA integrity_check").value() == "ok");
  }
}

TEST_CASE("an integrity check finds a damaged page through read-ahead") {
  const TempDir directory;
  {
    AppDb app(directory / "app.db");
    fill(app, 300);
  }
  std::fstream file(directory / "app.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(20 * 4096);
  file << std::string(4096, '!');
  file.close();
  const auto answer = immutable(directory / "app.db").query_text("PRAGMA quick_check(1)");
  CHECK((!answer || *answer != "ok"));
}

TEST_CASE("a file that ends within a page is an error instead of zeros") {
  const TempDir directory;
  {
    AppDb app(directory / "app.db");
    fill(app, 100);
  }
  const auto size = std::filesystem::file_size(directory / "app.db");
  std::filesystem::resize_file(directory / "app.db", size - 5000);
  const auto answer = immutable(directory / "app.db").query_text("PRAGMA quick_check(1)");
  CHECK((!answer || *answer != "ok"));
}

std::uint64_t read_calls() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "syscr:") return value;
  }
  return 0;
}

TEST_CASE("checking a whole database makes far fewer calls than it has pages") {
  if (read_calls() == 0) return;  // a kernel that does not count them
  const TempDir directory;
  AppDb app(directory / "app.db");
  app.run("PRAGMA synchronous=OFF");
  fill(app, 4'000);
  const auto pages = static_cast<std::uint64_t>(app.number("PRAGMA page_count"));
  auto connection = immutable(directory / "app.db");
  const auto before = read_calls();
  CHECK(connection.query_text("PRAGMA quick_check(1)").value() == "ok");
  CHECK(read_calls() - before < pages / 4);
}

}  // namespace
}  // namespace walwrap::sqlite
