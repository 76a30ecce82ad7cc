// Uploads whose snapshot is wanted back: what is given up, and what is kept for the next try.
#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

#include "tests/support/chain.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/upload/uploader.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;
using testing::snapshot_of;

std::vector<StoredFile> files_in(const Chain& chain) {
  return list_replica(*chain.world.store(), KeyStyle::Directory).value().files;
}

ByteVector whole(const os::Path& path) {
  constexpr Bytes kPlenty = 64U << 20;
  return os::read_file(path, kPlenty).value();
}

ByteVector bytes_restored(const Chain& chain, const std::vector<StoredFile>& files, Txid txid) {
  const auto output = chain.world.directory / "restored.db";
  RestoreRequest request;
  request.open_store = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    return std::unique_ptr<storage::ObjectStore>(chain.world.store());
  };
  request.plan = plan_restore(files, {.txid = txid, .before = {}}).value();
  request.output = output;
  request.cancelled = [] { return false; };
  const auto done = restore_database(request);
  REQUIRE_MESSAGE(done.has_value(), done.error().text);
  ByteVector bytes = whole(output);
  std::filesystem::remove(output);
  return bytes;
}

// An upload of some 6 MiB, copied first.
struct Large : Chain {
  Large() {
    REQUIRE(StateDir::open(world.database));
    copies_in = StateDir::path_for(world.database);
    begin_anew();
    CHECK(upload().is_stored());
    app.run("CREATE TABLE u(id INTEGER PRIMARY KEY, body)");
    app.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
        "INSERT INTO u SELECT i, randomblob(4000) FROM n");
    pages_read = 0;
  }
  UploadDone give_up_after(int pages, JobKind kind = job::Changes{}) {
    recalled_after = pages_read + pages;
    auto done = upload(kind);
    recalled_after = 1'000'000;
    CHECK(done.recalled);
    CHECK_FALSE(done.is_stored());
    CHECK(done.error.empty());
    capture->add_pending(done.to_store);
    return done;
  }
};

TEST_CASE("a large upload whose snapshot is recalled copies the rest from the next one") {
  Large chain;
  const auto given_up = chain.give_up_after(1'000);
  CHECK(given_up.to_store.size() > 1'500);
  // One page that is copied and one that is not change meanwhile.
  chain.app.run("UPDATE u SET body = randomblob(4000) WHERE id IN (5, 1490)");
  chain.pages_read = 0;
  const auto done = chain.upload();
  CHECK(done.is_stored());
  CHECK(chain.pages_read < 700);
  REQUIRE(chain.owner->truncate().value());
  CHECK(bytes_restored(chain, files_in(chain), done.txid) == whole(chain.world.database));
}

TEST_CASE("copied pages are discarded after a missed commit") {
  Large chain;
  chain.give_up_after(1'000);
  chain.capture->require_compare();
  chain.pages_read = 0;
  CHECK(chain.upload(job::Changes{}).is_stored());
  CHECK(chain.pages_read > 1'500);
}

TEST_CASE("a slow store does not hold the snapshot of a large upload") {
  Large chain;
  bool was_free = false;
  chain.damage = [&](int piece, MutableByteSpan bytes) -> ByteSpan {
    if (piece == 0) was_free = chain.snapshot != nullptr;
    return bytes;
  };
  CHECK(chain.upload().is_stored());
  CHECK(was_free);
}

TEST_CASE("a comparison whose snapshot is recalled continues where it stopped") {
  Large chain;
  CHECK(chain.upload().is_stored());
  chain.app.run("UPDATE u SET body = randomblob(4000) WHERE id = 700");
  chain.give_up_after(1'000, job::Compare{});
  chain.app.run("UPDATE u SET body = randomblob(4000) WHERE id = 5");
  chain.pages_read = 0;
  const auto done = chain.upload(job::Compare{});
  CHECK_FALSE(done.recalled);
  CHECK(chain.pages_read < 700);
  CHECK(done.to_store.size() >= 2);
  CHECK(done.to_store.size() <= 6);
}

TEST_CASE("a snapshot file whose read is recalled is not stored, and the error says why") {
  Large chain;
  CHECK(chain.upload().is_stored());
  chain.recalled_after = chain.pages_read + 100;
  const auto done = chain.upload(job::Snapshot{});
  CHECK(snapshot_of(done).error.find("the WAL became too long") != std::string::npos);
  CHECK(done.compare_again);
}

}  // namespace
}  // namespace walwrap::replication
