#include "walwrap/replication/replica/file_note.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

NotedFile sample() {
  return {.stamp = {.id = {.device = 64769, .inode = ~0ULL},
                    .size = 1ULL << 41,
                    .written = std::chrono::nanoseconds(-1),
                    .changed = std::chrono::nanoseconds(1'796'000'000'123'456'789)},
          .settled_at = Txid{41}};
}

TEST_CASE("a note is parsed as it was written, and ignored with any bit changed") {
  const auto bytes = format_file_note(sample());
  CHECK(parse_file_note(bytes) == sample());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] ^= std::byte{1} << static_cast<int>(bit % 8);
    CHECK_FALSE(parse_file_note(damaged).has_value());
  }
  CHECK_FALSE(parse_file_note(ByteSpan(bytes).first(bytes.size() - 1)).has_value());
  CHECK_FALSE(parse_file_note({}).has_value());
}

TEST_CASE("the next start finds the last note, and none after the state was removed") {
  const testing::TempDir dir;
  auto directory = StateDir::open(dir / "app.db").value();
  CHECK_FALSE(read_file_note(directory).has_value());
  FileNote note(directory);
  auto noted = sample();
  note.keep(noted);
  CHECK(read_file_note(directory) == noted);
  noted.stamp.size = 1;
  note.keep(noted);
  CHECK(read_file_note(StateDir::open(dir / "app.db").value()) == noted);
  noted.settled_at = Txid{};
  note.keep(noted);
  CHECK(read_file_note(directory) == noted);
  note.forget();
  CHECK_FALSE(read_file_note(directory).has_value());
  note.keep(noted);
  CHECK(read_file_note(directory) == noted);
  REQUIRE(directory.forget().has_value());
  CHECK_FALSE(read_file_note(directory).has_value());
}

TEST_CASE("a failure to write a note is not an error, and the note is absent") {
  const testing::TempDir dir;
  const auto directory = StateDir::open(dir / "app.db").value();
  std::filesystem::remove_all(dir / ".app.db-walwrap");
  FileNote note(directory);
  note.keep(sample());
  CHECK_FALSE(read_file_note(directory).has_value());
}

}  // namespace
}  // namespace walwrap::replication
