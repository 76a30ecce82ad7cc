#include "walwrap/replication/replica/state.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/sample_state.hpp"

using namespace walwrap;
using namespace walwrap::replication;

namespace {

// The same lines under a checksum that fits them.
std::string with_line(const std::string& from, const std::string& to) {
  std::string text = format_state(testing::sample_state());
  text.resize(text.rfind("xxh3 "));
  const auto place = text.find(from);
  REQUIRE(place != std::string::npos);
  text.replace(place, from.size(), to);
  return text + "xxh3 " + format_hex16(page_sum(as_bytes(text))) + "\n";
}

}  // namespace

TEST_CASE("parsing a formatted state gives the same state") {
  SavedState fresh;
  fresh.lineage = {7};
  SavedState no_wal = testing::sample_state();
  no_wal.wal.reset();
  no_wal.clean = false;
  SavedState extreme = testing::sample_state();
  extreme.txid = {~0ULL};
  extreme.pages = ~0U;
  extreme.page_size = {65536};
  extreme.wal = wal::Position{.salts = {~0U, ~0U}, .frame = ~0U, .checksum = {~0U, ~0U}};
  for (const SavedState& state : {testing::sample_state(), fresh, no_wal, extreme}) {
    const auto parsed = parse_state(format_state(state));
    REQUIRE_MESSAGE(parsed.has_value(), parsed.error().text);
    CHECK(*parsed == state);
  }
}

TEST_CASE("a state is text that a person can read") {
  const std::string text = format_state(testing::sample_state());
  const std::string expected =
      "walwrap-state 3\n"
      "lineage 0123456789abcdef\n"
      "writer fedcba9876543210\n"
      "earlier_writers 0000000000000001 00000000000000ff\n"
      "txid 00000000000000a1\n"
      "stored_by fedcba9876543210\n"
      "page_size 4096\n"
      "pages 262144\n"
      "slot 4120 8000000000000001\n"
      "front 9 0000000000000001 00000000000000a0 1073741824 0000000000000007\n"
      "wal 1 4294967295 77 0 42\n"
      "clean yes\n"
      "saved 2026-01-01T00:00:01.250Z\n"
      "xxh3 ";
  CHECK(text.substr(0, expected.size()) == expected);
  CHECK(text.size() == expected.size() + 17);
}

TEST_CASE("a state that is truncated or has a flipped bit is corrupt") {
  const std::string text = format_state(testing::sample_state());
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

TEST_CASE("unknown lines are corrupt even under a matching checksum") {
  struct Row {
    std::string from, to, says;
  };
  const Row rows[] = {
      {"walwrap-state 3", "walwrap-state 1", "walwrap-state 1"},
      {"lineage 0123456789abcdef", "lineage 123456789abcdef", "lineage"},
      {"writer fedc", "writer FEDC", "writer"},
      {"writer ", "reader ", "writer"},
      {"earlier_writers 0000000000000001 ", "earlier_writers 1 ", "earlier_writers"},
      {"earlier_writers 0000000000000001 ", "earlier_writers  ", "earlier_writers"},
      {"earlier_writers 0000000000000001 ", "earlier_writers none ", "earlier_writers"},
      {"txid 00000000000000a1\n", "", "txid"},
      {"txid 00000000000000a1", "txid 161", "txid"},
      {"page_size 4096", "page_size 4097", "page size"},
      {"page_size 4096", "page_size 0", "page size"},
      {"page_size 4096", "page_size 131072", "page size"},
      {"pages 262144", "pages 4294967296", "pages"},
      {"slot 4120 8", "slot 4120 ", "slot"},
      {"slot 4120 8000000000000001", "slot 4120", "slot"},
      {"front 9 ", "front ", "front"},
      {" 1073741824 0000000000000007", "", "front"},
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

TEST_CASE("the newest earlier writers on this disk are remembered") {
  SavedState state;
  CHECK_FALSE(state.is_own(RandomId{0}));
  state.begin_writer(RandomId{1});
  CHECK(state.earlier_writers.empty());
  for (std::uint64_t id = 2; id <= 20; ++id) state.begin_writer(RandomId{id});
  CHECK(state.writer == RandomId{20});
  CHECK(state.is_own(RandomId{20}));
  CHECK(state.is_own(RandomId{19}));
  CHECK(state.is_own(RandomId{4}));
  CHECK_FALSE(state.is_own(RandomId{3}));
  CHECK_FALSE(state.is_own(RandomId{0}));
  CHECK(state.earlier_writers.size() == kMostEarlierWriters);
  CHECK(parse_state(format_state(state)).value() == state);
}
