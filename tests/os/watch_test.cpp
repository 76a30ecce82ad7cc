#include "walwrap/os/watch.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::TempDir;

File create_file(const Path& path) {
  return File::open(path, File::Open::CreateNew).value();
}

void write_a_byte(File& file) {
  REQUIRE(file.write_at(as_bytes("x"), 0).has_value());
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

using Names = std::vector<std::string>;

// How many watches the kernel holds for it; each costs memory until it is removed.
std::size_t watches_of(const Watch& watch) {
  const Path path = "/proc/self/fdinfo/" + std::to_string(watch.descriptor());
  const ByteVector bytes = read_file(path, 1 << 20).value();
  const std::string_view text = as_text(bytes);
  std::size_t count = 0;
  for (std::size_t at = text.find("inotify wd:"); at != std::string_view::npos;
       at = text.find("inotify wd:", at + 1)) {
    ++count;
  }
  return count;
}

TEST_CASE("a write to the watched file is reported once, a write to its neighbour is not") {
  const TempDir dir;
  File wal = create_file(dir / "app.db-wal");
  File other = create_file(dir / "app.db");
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_writes(dir / "app.db-wal").has_value());
  CHECK_FALSE(watch.take().written);

  write_a_byte(other);
  CHECK_FALSE(watch.take().written);
  write_a_byte(wal);
  CHECK(watch.take().written);
  CHECK_FALSE(watch.take().written);
}

TEST_CASE("watching the name of a replaced file again follows the new file") {
  const TempDir dir;
  const Path path = dir / "app.db-wal";
  File old_file = create_file(path);
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_writes(path).has_value());
  REQUIRE(os::rename(path, dir / "aside").has_value());
  File new_file = create_file(path);
  REQUIRE(watch.watch_writes(path).has_value());

  write_a_byte(old_file);
  CHECK_FALSE(watch.take().written);
  write_a_byte(new_file);
  CHECK(watch.take().written);
  CHECK(watches_of(watch) == 1);
}

TEST_CASE("the watched file may be deleted and come back") {
  const TempDir dir;
  const Path path = dir / "app.db-wal";
  Watch watch = Watch::create().value();
  for (int round = 0; round < 3; ++round) {
    {
      File file = create_file(path);
      REQUIRE(watch.watch_writes(path).has_value());
      write_a_byte(file);
      CHECK(watch.take().written);
    }
    REQUIRE(remove_file(path).has_value());
    CHECK_FALSE(watch.take().written);
  }
}

TEST_CASE("no write is reported after watching has stopped") {
  const TempDir dir;
  File file = create_file(dir / "app.db-wal");
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_writes(dir / "app.db-wal").has_value());
  watch.stop_watching_writes();
  write_a_byte(file);
  CHECK_FALSE(watch.take().written);
}

TEST_CASE("entries that are created in a directory or removed from it are named") {
  const TempDir dir;
  const TempDir elsewhere;
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_directory(dir.path()).has_value());

  File file = create_file(dir / "one");
  CHECK(watch.take().names == Names{"one"});
  write_a_byte(file);
  CHECK(watch.take().names.empty());
  REQUIRE(os::rename(dir / "one", dir / "two").has_value());
  CHECK(sorted(watch.take().names) == Names{"one", "two"});
  REQUIRE(remove_file(dir / "two").has_value());
  CHECK(watch.take().names == Names{"two"});
}

TEST_CASE("an entry that a writer closes is named, one that a reader closes is not") {
  const TempDir dir;
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_directory(dir.path()).has_value());
  {
    const File file = create_file(dir / "one");
    CHECK(watch.take().names == Names{"one"});
  }
  CHECK(watch.take().names == Names{"one"});
  CHECK(File::open(dir / "one", File::Open::ReadOnly).has_value());
  CHECK(watch.take().names.empty());
}

TEST_CASE("a removed directory counts as lost events") {
  const TempDir dir;
  REQUIRE(make_directories(dir / "data", 0700).has_value());
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_directory(dir / "data").has_value());
  CHECK_FALSE(watch.take().overflowed);
  std::filesystem::remove(dir / "data");
  CHECK(watch.take().overflowed);
}

TEST_CASE("more events than the kernel keeps are reported as lost, and do not block") {
  const auto text = read_file("/proc/sys/fs/inotify/max_queued_events", 64);
  if (!text || std::stoi(std::string(as_text(*text))) > 20'000) {
    MESSAGE("skipped: this kernel queues too many events");
    return;
  }
  const TempDir dir;
  Watch watch = Watch::create().value();
  REQUIRE(watch.watch_directory(dir.path()).has_value());
  const int events = std::stoi(std::string(as_text(*text)));
  for (int i = 0; i <= events / 2 + 1; ++i) {
    create_file(dir / "flicker");
    REQUIRE(remove_file(dir / "flicker").has_value());
  }
  bool is_overflow_seen = false;
  for (int takes = 0; takes < 100 && !is_overflow_seen; ++takes) {
    is_overflow_seen = watch.take().overflowed;
  }
  CHECK(is_overflow_seen);
}

TEST_CASE("watching a missing file is an error with its cause") {
  const TempDir dir;
  Watch watch = Watch::create().value();
  CHECK(watch.watch_writes(dir / "missing").error().code == Code::NotFound);
  CHECK(watch.watch_directory(dir / "missing").error().code == Code::NotFound);
  create_file(dir / "file");
  CHECK(watch.watch_directory(dir / "file").error().code == Code::Invalid);
}

TEST_CASE("the self-test finds out whether writes are reported, and leaves nothing behind") {
  const TempDir dir;
  CHECK(Watch::self_test(dir.path()));
  CHECK(list_directory(dir.path()).value().empty());
  CHECK_FALSE(Watch::self_test(dir / "missing"));
  CHECK_FALSE(Watch::self_test("/proc/self"));
}

}  // namespace
}  // namespace walwrap::os
