#include "walwrap/replication/replica/known_files.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

namespace fs = std::filesystem;

const StoredFile kFirst{.level = kUploadLevel, .txids = {Txid{1}, Txid{1}}};

struct StoredReplica {
  testing::World world;
  fs::path path;

  StoredReplica() {
    world.live("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(5000))");
    world.live("INSERT INTO t VALUES(2)");
    path = world.replica / file_key(KeyStyle::Directory, kFirst.level, kFirst.txids);
  }
  Result<FileSight> inspect() const {
    StoredFile file = kFirst;
    file.size = fs::file_size(path);
    const auto store = world.store();
    return inspect_file(*store, KeyStyle::Directory, file);
  }
};

TEST_CASE("a stored file is recognised by its size and its checksum") {
  const StoredReplica stored;
  const auto sight = stored.inspect();
  REQUIRE(sight.has_value());
  CHECK(sight->header.txids == kFirst.txids);
  CHECK(difference_of(sight->found, stored.inspect()->found).empty());
  auto other = sight->found;
  ++other.checksum;
  CHECK(difference_of(sight->found, other).find("checksum") != std::string::npos);
  ++other.size;
  CHECK(difference_of(sight->found, other).find("bytes") != std::string::npos);
}

TEST_CASE("a truncated, empty or wrongly named file is corrupt") {
  const StoredReplica stored;
  SUBCASE("cut") {
    fs::resize_file(stored.path, fs::file_size(stored.path) / 2);
  }
  SUBCASE("empty") {
    fs::resize_file(stored.path, 0);
  }
  SUBCASE("another's name") {
    const auto second = file_key(KeyStyle::Directory, kUploadLevel, {Txid{2}, Txid{2}});
    fs::copy_file(stored.world.replica / second, stored.path, fs::copy_options::overwrite_existing);
  }
  const auto sight = stored.inspect();
  REQUIRE_FALSE(sight.has_value());
  CHECK(sight.error().code == Code::Corrupt);
}

}  // namespace
}  // namespace walwrap::replication
