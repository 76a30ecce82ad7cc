#include "walwrap/cli/restore_command.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/app_db.hpp"
#include "tests/support/files.hpp"
#include "tests/support/ltx_files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/storage/file_store.hpp"

using namespace walwrap;
using namespace walwrap::cli;
using testing::text_of;

namespace {

// A replica with two states of one database, and a place to restore it to.
struct Scene {
  Scene() {
    const auto source = dir / "source.db";
    {
      testing::AppDb app(source);
      app.run("PRAGMA page_size=4096; CREATE TABLE t(a); INSERT INTO t VALUES('first')");
      store(1, text_of(source));
      app.run("UPDATE t SET a='second'");
      store(2, text_of(source));
    }
  }

  void store(std::uint64_t txid, const std::string& database) {
    constexpr PageSize kPageSize{4096};
    const auto pages = testing::pages_of(as_bytes(database), kPageSize);
    const auto commit = static_cast<std::uint32_t>(database.size() / kPageSize.value);
    const auto file =
        testing::encode_ltx(testing::ltx_header(kPageSize, commit, txid, txid), pages);
    REQUIRE(file.has_value());
    std::filesystem::create_directories(replica);
    auto opened = storage::FileStore::open(replica, storage::Access::Create);
    REQUIRE(opened.has_value());
    const auto key = replication::file_key(replication::KeyStyle::Directory, kUploadLevel,
                                           {Txid{txid}, Txid{txid}});
    REQUIRE((*opened)->put(key, storage::body_of(*file), {}).has_value());
  }

  int restore(RestoreArguments arguments) {
    said.clear();
    if (arguments.replica.empty()) arguments.replica = "file://" + replica.string();
    arguments.output = relative ? output.filename().string() : output.string();
    const Log log({.now = [this] { return clock.wall(); }, .sink = [](std::string_view) {}});
    return restore_to_file(arguments, {.clock = clock,
                                       .log = log,
                                       .say = [this](std::string_view text) { said += text; },
                                       .cancelled = [this] { return cancelled; }});
  }

  std::string value() { return testing::AppDb(output).text("SELECT a FROM t"); }
  bool says(std::string_view part) const { return said.find(part) != std::string::npos; }
  int files() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(output.parent_path())) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  testing::TempDir dir;
  std::filesystem::path replica = dir / "replica";
  std::filesystem::path output = [this] {
    std::filesystem::create_directories(dir / "out");
    return dir / "out/app.db";
  }();
  testing::ManualClock clock;
  std::string said;
  bool cancelled = false;
  bool relative = false;  // the output is named as from its own directory
};

}  // namespace

TEST_CASE("restore writes the newest state and names it") {
  Scene scene;
  CHECK(scene.restore({}) == 0);
  CHECK(scene.value() == "second");
  CHECK(scene.says("restored " + scene.output.string() + ": txid 0000000000000002, "));
}

TEST_CASE("restore writes the state of a given TXID") {
  Scene scene;
  RestoreArguments arguments;
  arguments.txid = Txid{1};
  CHECK(scene.restore(arguments) == 0);
  CHECK(scene.value() == "first");
}

TEST_CASE("restoring a state that is not stored exits with 1 and leaves no file") {
  Scene scene;
  RestoreArguments arguments;
  arguments.txid = Txid{77};
  CHECK(scene.restore(arguments) == kExitNotSo);
  CHECK(scene.files() == 0);
}

TEST_CASE("restore never touches an existing file without --force") {
  Scene scene;
  std::ofstream(scene.output) << "precious";
  CHECK(scene.restore({}) == kExitNotSo);
  CHECK(scene.says("--force"));
  CHECK(text_of(scene.output) == "precious");

  RestoreArguments keep;
  keep.if_present = IfPresent::Keep;
  CHECK(scene.restore(keep) == 0);
  CHECK(scene.says("left unchanged"));
  CHECK(text_of(scene.output) == "precious");
}

TEST_CASE("--if-absent restores only if there is no file") {
  Scene scene;
  RestoreArguments keep;
  keep.if_present = IfPresent::Keep;
  CHECK(scene.restore(keep) == 0);
  CHECK(scene.value() == "second");
}

TEST_CASE("--force keeps the existing file and its WAL under another name") {
  Scene scene;
  std::ofstream(scene.output) << "precious";
  std::ofstream(scene.output.string() + "-wal") << "wal";
  RestoreArguments force;
  force.if_present = IfPresent::SetAside;
  CHECK(scene.restore(force) == 0);
  CHECK(scene.value() == "second");
  std::string kept;
  std::string kept_wal;
  for (const auto& entry : std::filesystem::directory_iterator(scene.output.parent_path())) {
    const auto name = entry.path().filename().string();
    if (name.find("app.db.walwrap-replaced-") != 0) continue;
    (name.substr(name.size() - 4) == "-wal" ? kept_wal : kept) = text_of(entry.path());
  }
  CHECK(kept == "precious");
  CHECK(kept_wal == "wal");
}

TEST_CASE("a relative output path starts at the directory in which walwrap was started") {
  Scene scene;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scene.output.parent_path());
  scene.relative = true;
  std::ofstream(scene.output) << "precious";
  RestoreArguments force;
  force.if_present = IfPresent::SetAside;
  const int exit_code = scene.restore(force);
  std::filesystem::current_path(before);
  CAPTURE(scene.said);
  CHECK(exit_code == 0);
  CHECK(scene.value() == "second");
  CHECK(scene.files() == 2);
}

TEST_CASE("--force leaves the existing file in place when the restore fails") {
  Scene scene;
  std::ofstream(scene.output) << "precious";
  RestoreArguments force;
  force.if_present = IfPresent::SetAside;
  force.txid = Txid{77};
  CHECK(scene.restore(force) == kExitNotSo);
  CHECK(text_of(scene.output) == "precious");
  CHECK(scene.files() == 1);
}

TEST_CASE("an empty, absent, damaged or malformed replica has its own exit code") {
  Scene scene;
  RestoreArguments arguments;
  SUBCASE("empty") {
    std::filesystem::create_directories(scene.dir / "empty");
    arguments.replica = "file://" + (scene.dir / "empty").string();
    CHECK(scene.restore(arguments) == kExitNotSo);
    CHECK(scene.says("holds no backup"));
  }
  SUBCASE("absent, and not created by looking") {
    arguments.replica = "file://" + (scene.dir / "absent").string();
    CHECK(scene.restore(arguments) == kExitUnreachable);
    CHECK_FALSE(std::filesystem::exists(scene.dir / "absent"));
  }
  SUBCASE("damaged") {
    const auto file = scene.replica / "ltx/0/0000000000000002-0000000000000002.ltx";
    REQUIRE(std::filesystem::exists(file));
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(200);
    damage << "XXXXXXXX";
    damage.close();
    CHECK(scene.restore(arguments) == kExitDamaged);
  }
  SUBCASE("no URL") {
    arguments.replica = "gopher://x";
    CHECK(scene.restore(arguments) == kExitUsage);
  }
  CHECK(scene.files() == 0);
  CHECK(scene.says("walwrap restore: "));
}

TEST_CASE("a restore that is interrupted leaves nothing") {
  Scene scene;
  scene.cancelled = true;
  CHECK(scene.restore({}) != 0);
  CHECK(scene.files() == 0);
}
