#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "tests/support/in_child.hpp"
#include "tests/support/tree.hpp"
#include "tests/support/world.hpp"
#include "walwrap/replication/startup/boot.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::tree_of;
using testing::World;
namespace fs = std::filesystem;

constexpr auto kRecursive = fs::copy_options::recursive;

void damage(const fs::path& file) {
  std::fstream broken(file, std::ios::in | std::ios::out | std::ios::binary);
  broken.seekp(150);
  broken.write("????", 4);
}

void replace(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, kRecursive);
}

// Two lives, and copies of host and replica after the first.
void two_lives(const World& world) {
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(9000))");
  fs::copy(world.host, world.directory / "host-1", kRecursive);
  fs::copy(world.replica, world.directory / "replica-1", kRecursive);
  world.live("INSERT INTO t VALUES('second')");
}

void other_database(const World& world, const char* mode) {
  world.wipe();
  AppDb app(world.database);
  app.run(std::string("PRAGMA journal_mode=") + mode + "; CREATE TABLE other(a)");
}

// As an app left it that was killed.
void killed_app_in_wal_mode(const World& world) {
  world.wipe();
  fs::create_directory(world.directory / "app");
  AppDb app(world.directory / "app" / "app.db");
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE other(a); INSERT INTO other VALUES(1)");
  fs::copy_file(world.directory / "app" / "app.db", world.database);
  fs::copy_file(world.directory / "app" / "app.db-wal", world.database.string() + "-wal");
}

void diverge(const World& world) {
  fs::copy(world.replica, world.directory / "replica-2", kRecursive);
  replace(world.directory / "host-1", world.host);
  replace(world.directory / "replica-1", world.replica);
  world.live("INSERT INTO t VALUES('another second')");
  replace(world.directory / "replica-2", world.replica);
}

void only_a_file(const World& world) {
  fs::remove_all(world.replica);
  std::ofstream(world.replica) << "this is no directory";
}

void empty_replica(const World& world) {
  fs::remove_all(world.replica);
  fs::create_directory(world.replica);
}

fs::path first_upload(const World& world) {
  return world.replica / "ltx/0/0000000000000001-0000000000000001.ltx";
}

struct Row {
  const char* what;
  std::function<void(const World&)> make;
};

std::vector<Row> without_a_database() {
  return {
      {"no database, replica damaged",
       [](const World& world) {
         world.wipe();
         damage(first_upload(world));
       }},
      {"no database and no directory for it, replica damaged",
       [](const World& world) {
         fs::remove_all(world.host);
         damage(first_upload(world));
       }},
      {"no database and no directory for it, replica cannot be reached",
       [](const World& world) {
         fs::remove_all(world.host);
         only_a_file(world);
       }},
  };
}

std::vector<Row> with_a_history() {
  return {
      {"known, replica empty", empty_replica},
      {"diverged, replica present", diverge},
      {"diverged, replica empty",
       [](const World& world) {
         diverge(world);
         empty_replica(world);
       }},
      {"behind, replica empty",
       [](const World& world) {
         replace(world.directory / "host-1", world.host);
         empty_replica(world);
       }},
  };
}

std::vector<Row> without_a_state() {
  return {
      {"unknown in rollback journal mode, replica present",
       [](const World& world) { other_database(world, "DELETE"); }},
      {"unknown in WAL mode, replica present",
       [](const World& world) { other_database(world, "WAL"); }},
      {"unknown with a -wal that is not checkpointed, replica present", killed_app_in_wal_mode},
      {"unknown, replica cannot be reached",
       [](const World& world) {
         other_database(world, "DELETE");
         only_a_file(world);
       }},
      {"unknown, replica damaged",
       [](const World& world) {
         other_database(world, "DELETE");
         damage(first_upload(world));
       }},
      {"unknown, replica of something else",
       [](const World& world) {
         other_database(world, "DELETE");
         empty_replica(world);
         std::ofstream(world.replica / "notes.txt") << "not ours";
       }},
  };
}

void must_touch_nothing(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const World world;
    two_lives(world);
    row.make(world);
    const auto host = tree_of(world.host);
    const auto replica = tree_of(world.replica);
    const auto around = tree_of(world.directory.path());
    const auto refused = world.prepare(world.options());
    REQUIRE_FALSE(refused.has_value());
    CHECK(tree_of(world.host) == host);
    CHECK(tree_of(world.replica) == replica);
    CHECK(tree_of(world.directory.path()) == around);
  }
}

}  // namespace

TEST_CASE("a refused start without a database leaves files and replica unchanged") {
  must_touch_nothing(without_a_database());
}

TEST_CASE("a refused start with a locked database leaves files and replica unchanged") {
  const World world;
  AppDb(world.database).run("CREATE TABLE t(a)");
  fs::create_directory(world.replica);
  const auto before = tree_of(world.directory.path());  // which would end locks of ours (Law 1)
  AppDb writer(world.database);
  writer.run("BEGIN EXCLUSIVE");
  // Locks are a process's own, so another one has to ask.
  const auto said = testing::in_child([&] {
    const auto refused = world.prepare(world.options());
    return refused ? "started" : refused.error().text;
  });
  CHECK(said.find("stop the other process") != std::string::npos);
  CHECK(tree_of(world.directory.path()) == before);
}

TEST_CASE("a refused start with a known database leaves files and replica unchanged") {
  must_touch_nothing(with_a_history());
}

TEST_CASE("a refused start with an unknown database leaves files and replica unchanged") {
  must_touch_nothing(without_a_state());
}

}  // namespace walwrap::replication
