#include "walwrap/replication/replica/state_dir.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/files.hpp"
#include "tests/support/sample_state.hpp"
#include "tests/support/temp_dir.hpp"

using namespace walwrap;
using namespace walwrap::replication;
namespace fs = std::filesystem;

namespace {}  // namespace

TEST_CASE("the state directory is a hidden directory beside the database") {
  CHECK(StateDir::path_for("/data/app.db") == os::Path("/data/.app.db-walwrap"));
  CHECK(StateDir::path_for("app.db") == os::Path(".app.db-walwrap"));
}

TEST_CASE("a saved state is there at the next start and readable by its owner only") {
  const testing::TempDir dir;
  const fs::path database = dir / "app.db";
  auto state_dir = StateDir::open(database);
  REQUIRE_MESSAGE(state_dir.has_value(), state_dir.error().text);
  auto none = state_dir->load();
  REQUIRE(none.has_value());
  CHECK_FALSE(none->has_value());

  REQUIRE(state_dir->save(testing::sample_state()).has_value());
  SavedState next = testing::sample_state();
  next.txid = next.txid.next();
  REQUIRE(state_dir->save(next).has_value());

  const auto again = StateDir::open(database);
  REQUIRE(again.has_value());
  const auto loaded = again->load();
  REQUIRE(loaded.has_value());
  REQUIRE(loaded->has_value());
  CHECK(**loaded == next);
  const fs::path path = dir / ".app.db-walwrap";
  CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms::owner_all);
}

TEST_CASE("an absent state is distinguished from a damaged one") {
  const testing::TempDir dir;
  auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  REQUIRE(state_dir->save(testing::sample_state()).has_value());
  const fs::path file = dir / ".app.db-walwrap/state";
  const std::string text = testing::text_of(file);
  for (const std::string& damaged :
       {std::string(), text.substr(0, 50), std::string(100'000, 'x')}) {
    testing::write_text(file, damaged);
    const auto loaded = state_dir->load();
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().code == Code::Corrupt);
  }
  REQUIRE(state_dir->save(testing::sample_state()).has_value());
  CHECK(state_dir->load()->has_value());
}

TEST_CASE("forgetting removes state and sums, and may be repeated") {
  const testing::TempDir dir;
  auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  REQUIRE(state_dir->save(testing::sample_state()).has_value());
  {
    auto sums = state_dir->open_sums();
    REQUIRE(sums.has_value());
    REQUIRE(sums->resize(3).has_value());
  }
  REQUIRE(state_dir->forget().has_value());
  REQUIRE(state_dir->forget().has_value());
  CHECK_FALSE(state_dir->load()->has_value());
  CHECK(state_dir->open_sums()->pages() == 0);
}

TEST_CASE("the next start removes what a crash during a save left") {
  const testing::TempDir dir;
  {
    auto state_dir = StateDir::open(dir / "app.db");
    REQUIRE(state_dir->save(testing::sample_state()).has_value());
  }
  const fs::path left = dir / ".app.db-walwrap/state.tmp-0123456789abcdef";
  testing::write_text(left, "half");
  const auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  CHECK_FALSE(fs::exists(left));
  CHECK(state_dir->load()->has_value());
}
TEST_CASE("a link or pipe in place of the state is not a state, and is not written to") {
  const testing::TempDir dir;
  const fs::path directory = dir / ".app.db-walwrap";
  testing::write_text(dir / "secret", "of root");
  auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  for (const char* name : {"state", "pages"}) {
    for (const std::string_view planted : {"link", "pipe"}) {
      CAPTURE(name);
      CAPTURE(planted);
      fs::remove(directory / name);
      if (planted == "link") {
        fs::create_symlink(dir / "secret", directory / name);
      } else {
        REQUIRE(::mkfifo((directory / name).c_str(), 0666) == 0);
      }
      const auto loaded = state_dir->load();
      CHECK((loaded.has_value() ? !loaded->has_value() : loaded.error().code == Code::Corrupt));
      REQUIRE(state_dir->save(testing::sample_state()).has_value());
      auto sums = state_dir->open_sums();
      REQUIRE(sums.has_value());
      REQUIRE(sums->resize(3).has_value());
      CHECK(testing::text_of(dir / "secret") == "of root");
      CHECK(**state_dir->load() == testing::sample_state());
      CHECK(fs::is_regular_file(fs::symlink_status(directory / name)));
      REQUIRE(state_dir->forget().has_value());
    }
  }
}

TEST_CASE("with --user, a hard link to root's file is replaced, and the file keeps its owner") {
  if (::geteuid() != 0) return;  // only root has another user
  const testing::TempDir dir;
  const os::FileOwner app{12'345, 12'346};
  testing::write_text(dir / "secret", "of root");
  const auto state_dir = StateDir::open(dir / "app.db", app).value();
  const fs::path pages = dir / ".app.db-walwrap/pages";
  fs::create_hard_link(dir / "secret", pages);
  CHECK(state_dir.open_sums()->pages() == 0);
  CHECK(testing::text_of(dir / "secret") == "of root");
  CHECK(os::status_of(dir / "secret")->owner.user == 0);
  CHECK(os::status_of(pages)->owner == app);
}

TEST_CASE("a link in place of the state directory refuses the start and creates nothing") {
  const testing::TempDir dir;
  fs::create_directory(dir / "etc");
  fs::create_directory_symlink(dir / "etc", dir / ".app.db-walwrap");
  const auto refused = StateDir::open(dir / "app.db");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("is a link") != std::string::npos);
  CHECK(fs::is_empty(dir / "etc"));
}
