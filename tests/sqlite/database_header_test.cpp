#include "walwrap/sqlite/database_header.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/app_db.hpp"
#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::sqlite {
namespace {

TEST_CASE("the page size of a database is read from its header, including 65536") {
  const testing::TempDir dir;
  for (const std::uint32_t size : {512U, 4096U, 65536U}) {
    CAPTURE(size);
    const auto database = dir / fmt::format("{}.db", size);
    testing::AppDb(database).run(fmt::format("PRAGMA page_size={}; CREATE TABLE t(a)", size));
    CHECK(page_size_of(database) == PageSize{size});
  }
}

TEST_CASE("a file that is not a database has no page size") {
  const testing::TempDir dir;
  CHECK_FALSE(page_size_of(dir / "missing").has_value());
  testing::write_text(dir / "empty", "");
  CHECK_FALSE(page_size_of(dir / "empty").has_value());
  testing::write_text(dir / "text", "a text that is longer than the header of a database");
  CHECK_FALSE(page_size_of(dir / "text").has_value());
  testing::write_text(dir / "odd", std::string("SQLite format 3\0\x10\x01", 18));
  CHECK_FALSE(page_size_of(dir / "odd").has_value());
}

}  // namespace
}  // namespace walwrap::sqlite
