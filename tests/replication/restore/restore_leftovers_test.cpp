#include "walwrap/replication/restore/restore_leftovers.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/files.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory.hpp"

namespace walwrap::replication {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using testing::write_text;

TEST_CASE("only the names of a restore's temporary files are recognised as such") {
  const os::Path database = "/data/app.db";
  const std::string hex = "0123456789abcdef";
  CHECK(temporary_restore_name(database, 0x0123456789abcdef) == "app.db.walwrap-restore-" + hex);
  CHECK(incoming_path(database) == "/data/app.db.walwrap-incoming");
  for (const std::string& name :
       {"app.db.walwrap-restore-" + hex, "app.db.walwrap-incoming.walwrap-restore-" + hex,
        "app.db.walwrap-new-" + hex + ".walwrap-restore-" + hex}) {
    CHECK_MESSAGE(is_temporary_restore(database, name), name);
  }
  for (const std::string& name :
       {std::string("app.db"), std::string("app.db-wal"), std::string("app.db.walwrap-incoming"),
        "app.db.walwrap-new-" + hex, "app.db.walwrap-restore-" + hex + "0",
        "app.db.walwrap-restore-" + hex.substr(1),
        std::string("app.db.walwrap-restore-0123456789ABCDEF"), "other.db.walwrap-restore-" + hex,
        std::string("app.db.walwrap-replaced-20260101T000000Z"),
        "app.db.walwrap-restore-" + hex + "-wal", "my-app.db.walwrap-restore-" + hex}) {
    CHECK_FALSE_MESSAGE(is_temporary_restore(database, name), name);
  }
}

TEST_CASE("a restore removes the files of killed restores, and keeps files in use") {
  const TempDir dir;
  const os::Path database = dir / "app.db";
  const auto place = [&](std::uint64_t random) {
    return dir / temporary_restore_name(incoming_path(database), random);
  };
  write_text(database, "mine");
  for (const std::uint64_t random : {1U, 2U}) write_text(place(random), "killed");
  write_text(place(3), "alive");
  write_text(place(4), "");  // made a moment ago, and not locked yet
  auto living = os::File::open(place(3), os::File::Open::ReadWrite).value();
  REQUIRE(os::try_lock(living).value());
  fs::create_symlink(database, place(5));
  CHECK(remove_restore_leftovers(database) == 2);
  CHECK_FALSE(fs::exists(place(1)));
  CHECK_FALSE(fs::exists(place(2)));
  CHECK(fs::exists(place(3)));
  CHECK(fs::exists(place(4)));
  CHECK(testing::text_of(database) == "mine");
  REQUIRE(os::set_modified(place(4), os::SystemClock().wall() - std::chrono::minutes(5)));
  CHECK(remove_restore_leftovers(database) == 1);
  CHECK(remove_restore_leftovers(dir / "missing" / "app.db") == 0);
}

TEST_CASE("the lock of a restore ends with its process") {
  const TempDir dir;
  const os::Path database = dir / "app.db";
  const os::Path path = dir / temporary_restore_name(database, 1);
  testing::in_child([&]() -> std::string {
    auto file = os::File::open(path, os::File::Open::CreateNew).value();
    REQUIRE(file.write_at(as_bytes("half"), 0).has_value());
    REQUIRE(os::try_lock(file).value());
    ::kill(::getpid(), SIGKILL);
    return "";
  });
  REQUIRE(fs::exists(path));
  CHECK(remove_restore_leftovers(database) == 1);
  CHECK_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace walwrap::replication
