#include "walwrap/os/atomic_file.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/files.hpp"
#include "tests/support/forbidden_calls.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::in_child;
using testing::names_in;
using testing::TempDir;
using testing::text_of;
using testing::write_text;

TEST_CASE("an atomic file appears complete at commit and leaves no other name") {
  const TempDir dir;
  auto file = AtomicFile::create(dir / "state", 0640).value();
  REQUIRE(file.write(as_bytes("first ")).has_value());
  REQUIRE(file.write(as_bytes("second")).has_value());
  const WallTime time = parse_rfc3339("2026-01-02T03:04:05.678Z").value();
  REQUIRE(file.set_modified(time).has_value());
  CHECK(file.written() == 12);
  CHECK_FALSE(os::exists(dir / "state"));
  REQUIRE(names_in(dir.path()).size() == 1);
  CHECK(names_in(dir.path())[0].starts_with("state.tmp-"));

  REQUIRE(file.commit(AtomicFile::Publish::Replace).has_value());
  CHECK(names_in(dir.path()) == std::vector<std::string>{"state"});
  CHECK(text_of(dir / "state") == "first second");
  CHECK(status_of(dir / "state").value().modified == time);
}

TEST_CASE("an atomic file that is not committed leaves nothing, and the old file stays") {
  const TempDir dir;
  write_text(dir / "state", "old");
  {
    auto file = AtomicFile::create(dir / "state").value();
    REQUIRE(file.write(as_bytes("new")).has_value());
    auto moved = std::move(file);
    moved = AtomicFile::create(dir / "state").value();
    CHECK(names_in(dir.path()).size() == 2);  // the first temporary file is gone already
  }
  CHECK(names_in(dir.path()) == std::vector<std::string>{"state"});
  CHECK(text_of(dir / "state") == "old");
}

TEST_CASE("an atomic file that was moved is committed by its new owner") {
  const TempDir dir;
  std::optional<AtomicFile> source = AtomicFile::create(dir / "state").value();
  REQUIRE(source->write(as_bytes("moved")).has_value());
  AtomicFile target = *std::move(source);
  source.reset();
  REQUIRE(target.commit(AtomicFile::Publish::Replace).has_value());
  CHECK(text_of(dir / "state") == "moved");
}

TEST_CASE("one of two atomic files that are published as new under one name succeeds") {
  const TempDir dir;
  auto one = AtomicFile::create(dir / "slot").value();
  auto two = AtomicFile::create(dir / "slot").value();
  REQUIRE(one.write(as_bytes("one")).has_value());
  REQUIRE(two.write(as_bytes("two")).has_value());
  CHECK(two.commit(AtomicFile::Publish::CreateNew).has_value());
  CHECK(one.commit(AtomicFile::Publish::CreateNew).error().code == Code::Exists);
  CHECK(text_of(dir / "slot") == "two");
}

TEST_CASE("creating an atomic file in a missing directory is an error") {
  const TempDir dir;
  CHECK(AtomicFile::create(dir / "missing" / "state").error().code == Code::NotFound);
  REQUIRE(make_directories(dir / "gone", 0700).has_value());
  auto file = AtomicFile::create(dir / "gone" / "state").value();
  std::filesystem::remove_all(dir / "gone");
  CHECK(file.commit(AtomicFile::Publish::Replace).error().code == Code::NotFound);
}

TEST_CASE("an atomic file is published as new without hard links as well") {
  struct Row {
    testing::Forbidden forbidden;
    std::string_view looks;
  };
  const Row rows[] = {
      {{.link = EPERM, .rename_flags = 0}, "no"},
      {{.link = EOPNOTSUPP, .rename_flags = EINVAL}, "yes"},  // a mounted bucket
      {{.link = ENOSYS, .rename_flags = ENOSYS}, "yes"},
      {{.link = EMLINK, .rename_flags = EOPNOTSUPP}, "yes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.forbidden.link);
    CAPTURE(row.forbidden.rename_flags);
    const TempDir dir;
    write_text(dir / "taken", "old");
    const auto publish = [&](std::string_view name) {
      auto file = AtomicFile::create(dir / name).value();
      ignore(file.write(as_bytes("new")), "seen in the file's text");
      const auto committed = file.commit(AtomicFile::Publish::CreateNew);
      const std::string looked = file.created_after_look() ? " yes " : " no ";
      return (committed ? std::string("done") : std::string(code_name(committed.error().code))) +
             looked;
    };
    const std::string result = in_child([&]() -> std::string {
      if (!testing::forbid(row.forbidden)) return "skipped";
      if (link_new(dir / "taken", dir / "link").has_value()) return "links still work";
      return publish("fresh") + publish("taken");
    });
    if (result == "skipped") {
      MESSAGE("skipped: no seccomp filter here");
      return;
    }
    const std::string looks(row.looks);
    CHECK(result ==
          "done " + looks + " " + std::string(code_name(Code::Exists)) + " " + looks + " ");
    CHECK(text_of(dir / "fresh") == "new");
    CHECK(text_of(dir / "taken") == "old");
    CHECK(names_in(dir.path()) == std::vector<std::string>{"fresh", "taken"});
  }
}

TEST_CASE("an atomic file that fails to publish names the call and the reason") {
  const TempDir dir;
  const std::string result = in_child([&]() -> std::string {
    if (!testing::forbid({.link = EPERM, .rename_flags = EIO})) return "skipped";
    auto file = AtomicFile::create(dir / "slot").value();
    return file.commit(AtomicFile::Publish::CreateNew).error().text;
  });
  if (result == "skipped") return;
  CHECK(result.find("renameat2") != std::string::npos);
  CHECK(result.find("Input/output error") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::os
