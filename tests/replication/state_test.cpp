#include "walwrap/replication/state.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>
#include <string>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

using namespace walwrap;
using namespace walwrap::replication;
namespace fs = std::filesystem;

namespace {

SavedState sample() {
  return {.lineage = {0x0123456789abcdef},
          .writer = {0xfedcba9876543210},
          .txid = {161},
          .stored_by = {0xfedcba9876543210},
          .page_size = {4096},
          .pages = 262'144,
          .wal = wal::Position{.salts = {1, 0xffffffff}, .frame = 77, .checksum = {0, 42}},
          .clean = true,
          .saved = WallTime(std::chrono::milliseconds(1'767'225'601'250))};
}

// The same lines under a checksum that fits them.
std::string with_line(const std::string& from, const std::string& to) {
  std::string text = format_state(sample());
  text.resize(text.rfind("xxh3 "));
  const auto place = text.find(from);
  REQUIRE(place != std::string::npos);
  text.replace(place, from.size(), to);
  return text + "xxh3 " + format_hex16(page_sum(as_bytes(text))) + "\n";
}

}  // namespace

TEST_CASE("a state is read back as it was written") {
  SavedState fresh;
  fresh.lineage = {7};
  SavedState no_wal = sample();
  no_wal.wal.reset();
  no_wal.clean = false;
  SavedState extreme = sample();
  extreme.txid = {~0ULL};
  extreme.pages = ~0U;
  extreme.page_size = {65536};
  extreme.wal = wal::Position{.salts = {~0U, ~0U}, .frame = ~0U, .checksum = {~0U, ~0U}};
  for (const SavedState& state : {sample(), fresh, no_wal, extreme}) {
    const auto parsed = parse_state(format_state(state));
    REQUIRE_MESSAGE(parsed.has_value(), parsed.error().text);
    CHECK(*parsed == state);
  }
}

TEST_CASE("a state is text that a person can read") {
  const std::string text = format_state(sample());
  const std::string expected =
      "walwrap-state 1\n"
      "lineage 0123456789abcdef\n"
      "writer fedcba9876543210\n"
      "txid 00000000000000a1\n"
      "stored_by fedcba9876543210\n"
      "page_size 4096\n"
      "pages 262144\n"
      "wal 1 4294967295 77 0 42\n"
      "clean yes\n"
      "saved 2026-01-01T00:00:01.250Z\n"
      "xxh3 ";
  CHECK(text.substr(0, expected.size()) == expected);
  CHECK(text.size() == expected.size() + 17);
}

TEST_CASE("a state with any one bit flipped, or cut anywhere, is corrupt") {
  const std::string text = format_state(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto parsed = parse_state(damaged);
      REQUIRE_FALSE(parsed.has_value());
      CHECK(parsed.error().code == Code::Corrupt);
    }
    CHECK(parse_state(text.substr(0, i)).error().code == Code::Corrupt);
  }
  CHECK(parse_state(text + "\n").error().code == Code::Corrupt);
  CHECK(parse_state(text + text).error().code == Code::Corrupt);
}

TEST_CASE("lines that are not a state's are corrupt even under a checksum that fits") {
  struct Row {
    std::string from, to, says;
  };
  const Row rows[] = {
      {"walwrap-state 1", "walwrap-state 2", "walwrap-state 2"},
      {"lineage 0123456789abcdef", "lineage 123456789abcdef", "lineage"},
      {"writer fedc", "writer FEDC", "writer"},
      {"writer ", "reader ", "writer"},
      {"txid 00000000000000a1\n", "", "txid"},
      {"txid 00000000000000a1", "txid 161", "txid"},
      {"page_size 4096", "page_size 4097", "page size"},
      {"page_size 4096", "page_size 0", "page size"},
      {"page_size 4096", "page_size 131072", "page size"},
      {"pages 262144", "pages 4294967296", "pages"},
      {"pages 262144", "pages -1", "pages"},
      {"pages 262144", "pages 1x", "pages"},
      {"wal 1 ", "wal ", "wal"},
      {"wal 1 ", "wal 1 1 ", "wal"},
      {"wal 1 ", "wal  ", "wal"},
      {"clean yes", "clean maybe", "clean"},
      {"saved 2026", "saved then", "saved"},
      {"clean yes\n", "clean yes\nmore yes\n", "saved"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.to);
    const auto parsed = parse_state(with_line(row.from, row.to));
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::Corrupt);
    CAPTURE(parsed.error().text);
    CHECK(parsed.error().text.find(row.says) != std::string::npos);
  }
  CHECK(parse_state(with_line("clean yes", "clean yes")).has_value());
}

TEST_CASE("page sums tell pages apart and are never zero") {
  const std::string zeros(4096, '\0');
  std::string one = zeros;
  one[4095] = 1;
  CHECK(page_sum(as_bytes(zeros)) != 0);
  CHECK(page_sum(as_bytes("")) != 0);
  CHECK(page_sum(as_bytes(zeros)) == page_sum(as_bytes(std::string(4096, '\0'))));
  CHECK(page_sum(as_bytes(zeros)) != page_sum(as_bytes(one)));
}

TEST_CASE("the state directory is a hidden one beside the database") {
  CHECK(StateDir::path_for("/data/app.db") == os::Path("/data/.app.db-walwrap"));
  CHECK(StateDir::path_for("app.db") == os::Path(".app.db-walwrap"));
}

TEST_CASE("a saved state is there after the next start, for its owner alone") {
  const testing::TempDir dir;
  const fs::path database = dir / "app.db";
  auto state_dir = StateDir::open(database);
  REQUIRE_MESSAGE(state_dir.has_value(), state_dir.error().text);
  auto none = state_dir->load();
  REQUIRE(none.has_value());
  CHECK_FALSE(none->has_value());

  REQUIRE(state_dir->save(sample()).has_value());
  SavedState next = sample();
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

TEST_CASE("no state and a damaged state are told apart") {
  const testing::TempDir dir;
  auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  REQUIRE(state_dir->save(sample()).has_value());
  const fs::path file = dir / ".app.db-walwrap/state";
  const std::string text = testing::text_of(file);
  for (const std::string& damaged :
       {std::string(), text.substr(0, 50), std::string(100'000, 'x')}) {
    testing::write_text(file, damaged);
    const auto loaded = state_dir->load();
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().code == Code::Corrupt);
  }
  REQUIRE(state_dir->save(sample()).has_value());
  CHECK(state_dir->load()->has_value());
}

TEST_CASE("forgetting removes state and sums, and does so twice without complaint") {
  const testing::TempDir dir;
  auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  REQUIRE(state_dir->save(sample()).has_value());
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

TEST_CASE("what a crash in the middle of a save left behind goes at the next start") {
  const testing::TempDir dir;
  {
    auto state_dir = StateDir::open(dir / "app.db");
    REQUIRE(state_dir->save(sample()).has_value());
  }
  const fs::path left = dir / ".app.db-walwrap/state.tmp-0123456789abcdef";
  testing::write_text(left, "half");
  const auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  CHECK_FALSE(fs::exists(left));
  CHECK(state_dir->load()->has_value());
}

TEST_CASE("sums keep a hash per page across starts, and zero means not known") {
  const testing::TempDir dir;
  const auto state_dir = StateDir::open(dir / "app.db");
  REQUIRE(state_dir.has_value());
  {
    auto sums = state_dir->open_sums();
    REQUIRE_MESSAGE(sums.has_value(), sums.error().text);
    CHECK(sums->pages() == 0);
    CHECK(sums->get(Pgno{1}) == 0);
    REQUIRE(sums->resize(1000).has_value());
    CHECK(sums->get(Pgno{1000}) == 0);
    sums->set(Pgno{1}, 0x0102030405060708, Txid{3});
    sums->set(Pgno{1000}, ~0ULL, Txid{~0ULL});
    REQUIRE(sums->sync().has_value());
  }
  const std::string raw = testing::text_of(dir / ".app.db-walwrap/pages");
  REQUIRE(raw.size() == 16'000);
  CHECK(raw.substr(0, 9) == "\x08\x07\x06\x05\x04\x03\x02\x01\x03");
  {
    auto sums = state_dir->open_sums();
    REQUIRE(sums.has_value());
    CHECK(sums->pages() == 1000);
    CHECK(sums->get(Pgno{1}) == 0x0102030405060708);
    CHECK(sums->get(Pgno{2}) == 0);
    CHECK(sums->get(Pgno{1000}) == ~0ULL);
    CHECK(sums->stored_by(Pgno{1000}) == Txid{~0ULL});
    CHECK(sums->get(Pgno{1001}) == 0);
    CHECK(sums->stored_by(Pgno{1001}) == Txid{0});
    CHECK_THROWS_AS(sums->set(Pgno{1001}, 1, Txid{1}), Panic);
    CHECK_THROWS_AS(sums->set(Pgno{0}, 1, Txid{1}), Panic);
    // A database that shrank and grew again has pages that are not known.
    REQUIRE(sums->resize(500).has_value());
    REQUIRE(sums->resize(1000).has_value());
    CHECK(sums->get(Pgno{1000}) == 0);
    CHECK(sums->get(Pgno{1}) == 0x0102030405060708);
  }
  // A torn size costs the last page's sum, no more.
  fs::resize_file(dir / ".app.db-walwrap/pages", 15'999);
  CHECK(state_dir->open_sums()->pages() == 999);
}

TEST_CASE("pages stored after a TXID are those that may have changed since, unknown ones too") {
  const testing::TempDir dir;
  auto sums = StateDir::open(dir / "app.db")->open_sums().value();
  REQUIRE(sums.resize(5).has_value());
  sums.set(Pgno{1}, 11, Txid{7});
  sums.set(Pgno{2}, 12, Txid{4});
  sums.set(Pgno{3}, 13, Txid{5});
  sums.set(Pgno{5}, 15, Txid{9});
  const auto after = [&](std::uint64_t txid) { return sums.stored_after(Txid{txid}).next({}, 9); };
  CHECK(after(5) == std::vector{Pgno{1}, Pgno{4}, Pgno{5}});
  CHECK(after(8) == std::vector{Pgno{4}, Pgno{5}});
  CHECK(after(9) == std::vector{Pgno{4}});
  CHECK(after(3).size() == 5);
}
