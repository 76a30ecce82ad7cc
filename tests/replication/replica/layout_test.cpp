#include "walwrap/replication/replica/layout.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace walwrap;
using namespace walwrap::replication;

namespace {
TxidRange txids(std::uint64_t first, std::uint64_t last) {
  return {Txid{first}, Txid{last}};
}
}  // namespace

TEST_CASE("object keys have litestream v0.5's form in a directory and in S3") {
  struct Row {
    Level level;
    TxidRange range;
    std::string directory;
    std::string s3;
  };
  const Row rows[] = {
      {kUploadLevel, txids(1, 1), "ltx/0/", "0000/0000000000000001-0000000000000001.ltx"},
      {Level{1}, txids(1, 10), "ltx/1/", "0001/0000000000000001-000000000000000a.ltx"},
      {kSnapshotLevel, txids(1, 0xabcdef), "ltx/9/", "0009/0000000000000001-0000000000abcdef.ltx"},
      {Level{8}, txids(2, ~0ULL), "ltx/8/", "0008/0000000000000002-ffffffffffffffff.ltx"},
  };
  for (const Row& row : rows) {
    for (const KeyStyle style : {KeyStyle::Directory, KeyStyle::S3}) {
      const std::string key = style == KeyStyle::S3 ? row.s3 : row.directory + row.s3.substr(5);
      CHECK(file_key(style, row.level, row.range) == key);
      const auto parsed = parse_key(style, key);
      REQUIRE(parsed.has_value());
      CHECK(parsed->level == row.level);
      CHECK(parsed->txids == row.range);
      // The other kind's keys are somebody else's.
      const auto other = style == KeyStyle::S3 ? KeyStyle::Directory : KeyStyle::S3;
      CHECK_FALSE(parse_key(other, key).has_value());
    }
  }
}

TEST_CASE("a name that is not exactly an LTX file's key is refused") {
  const std::string rows[] = {
      "",
      "ltx/",
      "ltx/0/",
      "0000000000000001-0000000000000001.ltx",
      "0000/0000000000000001-0000000000000001.ltx",
      "ltx/0/0000000000000001-0000000000000001.ltx.tmp",
      "ltx/0/0000000000000001-0000000000000001.lt",
      "ltx/0/0000000000000001-000000000000000A.ltx",
      "ltx/0/0000000000000001_0000000000000001.ltx",
      "ltx/0/000000000000001-0000000000000001.ltx",
      "ltx/0/0000000000000001-000000000000001.ltxx",
      "ltx/0/+000000000000001-0000000000000001.ltx",
      "ltx/00/0000000000000001-0000000000000001.ltx",
      "ltx/10/0000000000000001-0000000000000001.ltx",
      "ltx/a/0000000000000001-0000000000000001.ltx",
      "ltx/0/x/0000000000000001-0000000000000001.ltx",
      "/ltx/0/0000000000000001-0000000000000001.ltx",
      "LTX/0/0000000000000001-0000000000000001.ltx",
      "ltx/0/0000000000000000-0000000000000001.ltx",
      "ltx/0/0000000000000002-0000000000000001.ltx",
      "walwrap/identity.json",
      "generations/0123456789abcdef/snapshots/00000000.snapshot.lz4",
  };
  for (const std::string& key : rows) {
    CAPTURE(key);
    CHECK_FALSE(parse_key(KeyStyle::Directory, key).has_value());
  }
}

TEST_CASE("a name that is not exactly an LTX file's S3 key is refused") {
  const std::string rows[] = {
      "",
      "000",
      "0000/",
      "000/0000000000000001-0000000000000001.ltx",
      "00000/0000000000000001-0000000000000001.ltx",
      "000a/0000000000000001-0000000000000001.ltx",
      "0010/0000000000000001-0000000000000001.ltx",
      "1000/0000000000000001-0000000000000001.ltx",
      "/0000/0000000000000001-0000000000000001.ltx",
      "0000/x/0000000000000001-0000000000000001.ltx",
      "0000/0000000000000001-0000000000000001.ltx.tmp",
      "0000/0000000000000000-0000000000000001.ltx",
      "0000/0000000000000002-0000000000000001.ltx",
      "walwrap/identity.json",
  };
  for (const std::string& key : rows) {
    CAPTURE(key);
    CHECK_FALSE(parse_key(KeyStyle::S3, key).has_value());
  }
}

TEST_CASE("a listing started after key_before begins with the range that starts there") {
  for (const std::uint64_t first : {1ULL, 9ULL, 0x10ULL, 0xffULL, 0x100ULL, 0xffffffffULL}) {
    for (const Level level : {Level{0}, Level{1}, Level{9}}) {
      for (const KeyStyle style : {KeyStyle::Directory, KeyStyle::S3}) {
        const std::string after = key_before(style, level, Txid{first});
        CHECK(after < file_key(style, level, txids(first, first)));
        CHECK(after < file_key(style, level, txids(first + 1, first + 1)));
        if (first > 1) CHECK(after > file_key(style, level, txids(first - 1, ~0ULL)));
        CHECK(after.starts_with(level_prefix(style, level)));
      }
    }
  }
}

TEST_CASE("the byte order of object keys is the order of their TXIDs") {
  std::string before;
  for (const std::uint64_t txid : {1ULL, 2ULL, 9ULL, 10ULL, 15ULL, 16ULL, 4095ULL, 4096ULL}) {
    const std::string key = file_key(KeyStyle::Directory, kUploadLevel, txids(txid, txid));
    CHECK(before < key);
    before = key;
  }
}
