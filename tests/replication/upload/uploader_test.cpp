#include "walwrap/replication/upload/uploader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/chain.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/files.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/storage/retrying_store.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;
using testing::snapshot_of;

// Compaction 9 to 1.
constexpr int kListingsOfDirectory = 9;

TEST_CASE("each upload takes the next slot under the writer's id") {
  Chain chain;
  CHECK(chain.upload().is_stored());
  chain.app.run("INSERT INTO t VALUES(2)");
  const auto done = chain.upload();
  CHECK(done.is_stored());
  CHECK(done.txid == Txid{2});
  auto store = chain.world.store();
  const auto header = read_header(*store, "ltx/0/0000000000000002-0000000000000002.ltx");
  REQUIRE(header.has_value());
  CHECK(header->node == testing::kChainWriter);
}

TEST_CASE("a snapshot is one file that leads to the stored state and includes new commits") {
  Chain chain;
  chain.upload();
  chain.app.run("INSERT INTO t VALUES(2)");
  const auto done = chain.upload(job::Snapshot{});
  CHECK(done.is_stored());
  CHECK(done.txid == Txid{2});
  CHECK_MESSAGE(snapshot_of(done).error.empty(), snapshot_of(done).error);
  auto store = chain.world.store();
  const auto info = store->head("ltx/9/0000000000000001-0000000000000002.ltx");
  REQUIRE(info.has_value());
  CHECK(info->size == snapshot_of(done).bytes);
  CHECK(store->head("ltx/0/0000000000000002-0000000000000002.ltx"));
  // Of what is not news nothing is uploaded twice, and the same snapshot is there already.
  const auto again = chain.upload(job::Snapshot{});
  CHECK(again.is_stored());
  CHECK(again.txid == Txid{2});
  CHECK(snapshot_of(again).error.empty());
}

TEST_CASE("a snapshot that a stop ends is not stored, and new commits stay pending") {
  Chain chain;
  chain.upload();
  chain.app.run("INSERT INTO t VALUES(2)");
  chain.hurried = true;
  const auto done = chain.upload(job::Snapshot{});
  CHECK(done.is_stored());
  CHECK(done.txid == Txid{2});
  CHECK(snapshot_of(done).error.find("a stop has begun") != std::string::npos);
  CHECK(!chain.world.store()->head("ltx/9/0000000000000001-0000000000000002.ltx"));
}

TEST_CASE("a slot of another writer stops the uploads and is not changed") {
  Chain chain;
  chain.upload();
  chain.put_slot(2, RandomId{0x22});
  chain.app.run("INSERT INTO t VALUES(2)");
  const auto done = chain.upload();
  CHECK_FALSE(done.is_stored());
  CHECK(done.stop);
  CHECK(done.txid == Txid{1});
  auto store = chain.world.store();
  CHECK(read_header(*store, "ltx/0/0000000000000002-0000000000000002.ltx")->node == RandomId{0x22});
}

TEST_CASE("an own slot whose answer was lost counts, and its pages go into the next one") {
  Chain chain;
  chain.upload();
  chain.put_slot(2, testing::kChainWriter);
  chain.app.run("INSERT INTO t VALUES(2)");
  const auto done = chain.upload();
  CHECK_FALSE(done.is_stored());
  CHECK_FALSE(done.stop);
  CHECK_FALSE(done.to_store.empty());
  CHECK(done.txid == Txid{2});
  chain.capture->add_pending(done.to_store);
  CHECK(chain.upload().txid == Txid{3});
}

TEST_CASE("an own slot whose answer was lost counts also when a compaction is due") {
  Chain chain;
  for (int i = 0; i < 5; ++i) {
    chain.app.run("INSERT INTO t VALUES(2)");
    REQUIRE(chain.upload().is_stored());
  }
  REQUIRE(chain.wants_frames);
  chain.put_slot(6, testing::kChainWriter);
  chain.app.run("INSERT INTO t VALUES(3)");
  const auto done = chain.upload();
  CHECK_FALSE(done.is_stored());
  CHECK(done.error.find("had been stored after all") != std::string::npos);
  CHECK(done.txid == Txid{6});
  chain.capture->add_pending(done.to_store);
  CHECK(chain.upload().txid == Txid{7});
}

TEST_CASE("a late slot of an earlier start counts, and its pages are stored again") {
  Chain chain;
  chain.upload();
  REQUIRE(chain.uploader->save(false));
  auto state = chain.uploader->state();
  // The killed process had read both pages of row 2, and stored them only now.
  chain.app.run("INSERT INTO t VALUES(2)");
  const auto late = chain.upload();
  REQUIRE(late.txid == Txid{2});
  chain.app.run("CREATE TABLE u(a)");
  state.begin_writer(RandomId{0x33});
  chain.make_uploader(chain.world.store(), state);
  const auto done = chain.upload();
  CHECK_FALSE(done.is_stored());
  CHECK_FALSE(done.stop);
  CHECK(done.txid == Txid{2});
  CHECK(chain.uploader->state().stored_by == testing::kChainWriter);
  CHECK(done.to_store.contains(Pgno{2}));  // row 2, which the new process has not seen change
  chain.capture->add_pending(done.to_store);
  CHECK(chain.upload().txid == Txid{3});
  auto store = chain.world.store();
  CHECK(read_header(*store, "ltx/0/0000000000000003-0000000000000003.ltx")->node == RandomId{0x33});
}

// A bucket that fails to order, behind a store that repeats; its waits only move a clock.
struct Flaky {
  testing::FakeBucket bucket;
  testing::ManualClock clock;
  std::mt19937_64 random;

  std::unique_ptr<storage::ObjectStore> store() {
    return std::make_unique<storage::RetryingStore>(
        std::make_unique<testing::FakeStore>(bucket),
        storage::RetryingStore::Options{.clock = clock,
                                        .log = testing::kNoLog,
                                        .sleep = [this](auto time) { clock.advance(time); },
                                        .random = [this] { return random(); },
                                        .budget = [] { return storage::CallBudget{}; }});
  }
  int puts() const { return bucket.count(testing::StoreOperation::Put); }
};

TEST_CASE("a snapshot does not hold the WAL during an outage") {
  Flaky flaky;
  Chain chain(flaky.store());
  REQUIRE(chain.upload().is_stored());
  chain.app.run("INSERT INTO t VALUES(2)");
  const int puts = flaky.puts();
  flaky.bucket.faults().fail_next(1, testing::StoreFault::error(Code::Unavailable));
  const auto done = chain.upload(job::Snapshot{});
  CHECK(!done.is_stored());
  CHECK(flaky.puts() == puts + 1);
  CHECK(!done.error.empty());
  CHECK(!snapshot_of(done).error.empty());
  CHECK(!done.to_store.empty());
  CHECK(chain.snapshot != nullptr);
}

TEST_CASE("a slot whose answer was lost is found as an own one when it is sent again") {
  Flaky flaky;
  Chain chain(flaky.store());
  for (const int lost : {1, 2, 5}) {
    CAPTURE(lost);
    const auto slots = flaky.bucket.keys().size();
    const int puts = flaky.puts();
    chain.app.run("INSERT INTO t VALUES(randomblob(5000))");
    flaky.bucket.faults().fail_next(lost, testing::StoreFault::lost_reply());
    const auto done = chain.upload();
    CHECK(done.is_stored());
    CHECK(done.error.empty());
    CHECK(done.txid.value == slots + 1);
    CHECK(flaky.bucket.keys().size() == slots + 1);
    CHECK(flaky.puts() - puts == lost + 1);
  }
}

TEST_CASE("a batch in memory is retried during an outage, a streamed one is returned at once") {
  struct Row {
    int blob_bytes;
    int faults;
    bool is_stored;
    int puts;
  };
  for (const Row& row : {Row{10'000, 3, true, 4}, Row{6'000'000, 1, false, 1}}) {
    CAPTURE(row.blob_bytes);
    Flaky flaky;
    Chain chain(flaky.store());
    chain.upload();
    const int before = flaky.puts();
    chain.app.run(fmt::format("INSERT INTO t VALUES(randomblob({}))", row.blob_bytes));
    flaky.bucket.faults().fail_next(row.faults, testing::StoreFault::error(Code::Unavailable));
    const auto done = chain.upload();
    CHECK(done.is_stored() == row.is_stored);
    CHECK(flaky.puts() - before == row.puts);
    CHECK(chain.snapshot != nullptr);
    if (done.is_stored()) continue;
    CHECK_FALSE(done.stop);
    CHECK(done.error == "injected fault");
    chain.capture->add_pending(done.to_store);
    CHECK(chain.upload().txid == Txid{2});
  }
}

TEST_CASE("a large batch logs its progress every five seconds, and a small one does not") {
  Chain chain;
  const auto progress_of = [&](int blob_bytes) {
    chain.app.run(fmt::format("INSERT INTO t VALUES(randomblob({}))", blob_bytes));
    chain.said.clear();
    chain.streamed.clear();
    REQUIRE(chain.upload().is_stored());
    return std::ranges::count_if(chain.said, [](const std::string& line) {
      return line.find(" msg=storing bytes=") != std::string::npos;
    });
  };
  // Each piece that is written takes a second: some 20 of 300 KiB, and one of 10 KiB.
  int pieces = 0;
  chain.damage = [&](int /*piece*/, MutableByteSpan bytes) {
    if (++pieces % 75 == 0) chain.clock.advance(std::chrono::seconds(1));
    return ByteSpan(bytes);
  };
  CHECK(progress_of(10'000) == 0);
  CHECK(chain.streamed == std::vector<Bytes>{0});
  CHECK(progress_of(24'000'000) >= 2);
  REQUIRE(chain.streamed.size() > 3);
  CHECK(std::ranges::is_sorted(chain.streamed.begin(), chain.streamed.end() - 1));
  CHECK(chain.streamed[chain.streamed.size() - 2] >= 24'000'000);
  CHECK(chain.streamed.back() == 0);
}

TEST_CASE("a file that does not decode is not stored, whether it was in memory or streamed") {
  constexpr int kPage = 2, kLastPiece = -1;
  struct Row {
    const char* what;
    int piece;
    std::function<ByteSpan(MutableByteSpan)> damage;
  };
  const auto flip_last_byte = [](MutableByteSpan bytes) -> ByteSpan {
    bytes.back() ^= std::byte{1};
    return bytes;
  };
  const auto drop = [](MutableByteSpan bytes) { return ByteSpan(bytes).first(0); };
  const std::vector<Row> rows = {
      {"a bit of a page's frame", kPage, flip_last_byte},
      {"a page's frame is missing", kPage, drop},
      {"a bit of the trailer", kLastPiece, flip_last_byte},
      {"the trailer is missing", kLastPiece, drop},
  };
  for (const int blob_bytes : {10'000, 6'000'000}) {
    for (const Row& row : rows) {
      CAPTURE(blob_bytes);
      CAPTURE(row.what);
      Chain chain;
      chain.upload();
      chain.app.run(fmt::format("INSERT INTO t VALUES(randomblob({}))", blob_bytes));
      bool is_damaged = false;
      chain.damage = [&](int piece, MutableByteSpan bytes) -> ByteSpan {
        const bool is_last = piece > kPage && bytes.size() == ltx::kTrailerBytes;
        if (row.piece == kLastPiece ? !is_last : piece != row.piece) return bytes;
        is_damaged = true;
        return row.damage(bytes);
      };
      const auto done = chain.upload();
      CHECK(is_damaged);
      CHECK_FALSE(done.is_stored());
      CHECK_FALSE(done.stop);
      CHECK(done.error.find("check what was encoded") != std::string::npos);
      CHECK(done.txid == Txid{1});
      auto store = chain.world.store();
      CHECK(store->list("ltx/", "")->size() == 1);

      chain.damage = nullptr;
      chain.capture->add_pending(done.to_store);
      CHECK(chain.upload().txid == Txid{2});
    }
  }
}

TEST_CASE("a comparison finds exactly the pages that changed") {
  Chain chain;
  chain.upload();
  chain.app.run("INSERT INTO t VALUES(2)");
  chain.capture->drain(*chain.owner->read_index()).value();
  const PageSet changed = chain.capture->pending();
  UploadJob job = chain.job(job::Compare{});
  const auto done = chain.uploader->run(job);
  CHECK(done.to_store == changed);
}

std::vector<StoredFile> stored_in(const Chain& chain) {
  return list_replica(*chain.world.store(), KeyStyle::Directory).value().files;
}

std::vector<StoredFile> compacted_in(const Chain& chain) {
  auto files = stored_in(chain);
  std::erase_if(files, [](const StoredFile& file) { return file.level == kUploadLevel; });
  return files;
}

std::string restored(const Chain& chain, const std::vector<StoredFile>& files, Txid txid) {
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
  const std::string bytes = testing::text_of(output);
  std::filesystem::remove(output);
  return bytes;
}

TEST_CASE("every third upload is followed by a compacted file of the three") {
  Chain chain;
  std::string merged;
  Bytes bytes = 0;
  for (int i = 1; i <= 17; ++i) {
    chain.app.run("INSERT INTO t VALUES(2)");
    const auto done = chain.upload();
    CHECK(done.is_stored());
    bytes += done.compacted;
    if (i == 10) chain.begin_anew();
  }
  for (const StoredFile& file : compacted_in(chain)) {
    bytes -= file.size;
    merged += file_key(KeyStyle::Directory, file.level, file.txids) + " ";
  }
  // What there is above the uploads is looked at after the fourth, and by another process after its
  // first; it begins with a snapshot.
  CHECK(merged ==
        "ltx/1/0000000000000007-0000000000000009.ltx ltx/1/000000000000000a-000000000000000d.ltx "
        "ltx/1/000000000000000e-0000000000000010.ltx ltx/2/0000000000000007-0000000000000010.ltx "
        "ltx/9/0000000000000001-0000000000000006.ltx ");
  CHECK(bytes == 0);
}

TEST_CASE("compacted files restore every state that the uploads alone restore") {
  std::mt19937_64 random{7};
  const auto one_of = [&](std::uint64_t n) { return random() % n == 0; };
  Chain chain;
  chain.app.run("PRAGMA wal_autocheckpoint=0; CREATE TABLE blobs(a INTEGER PRIMARY KEY, b)");
  const auto write = [&] {
    chain.app.run(fmt::format("INSERT INTO blobs(b) VALUES(randomblob({}))", random() % 30'000));
    if (one_of(3)) chain.app.run("DELETE FROM blobs WHERE a % 3 = abs(random()) % 3");
    if (one_of(8)) chain.app.run("VACUUM");
  };
  chain.before_compaction = [&] {
    if (one_of(2)) write();
  };
  for (int i = 0; i < 60; ++i) {
    write();
    if (one_of(3)) {
      REQUIRE(chain.owner->pass([&]() -> Result<void> {
        TRY(chain.capture->drain(*chain.owner->read_index()));
        return {};
      }));
    }
    REQUIRE(chain.upload().is_stored());
    if (one_of(15)) chain.begin_anew();
  }
  const auto files = stored_in(chain);
  auto uploads = files;
  std::erase_if(uploads, [](const StoredFile& file) { return file.level != kUploadLevel; });
  REQUIRE(uploads.size() == 60);
  std::map<Level, int> of_level;
  for (const StoredFile& file : files) ++of_level[file.level];
  CHECK(of_level[Level{1}] >= 12);
  CHECK(of_level[Level{2}] >= 3);
  CHECK(of_level[Level{3}] >= 1);
  for (std::uint64_t txid = 1; txid <= 60; ++txid) {
    CAPTURE(txid);
    REQUIRE(restored(chain, files, Txid{txid}) == restored(chain, uploads, Txid{txid}));
  }
}

TEST_CASE("a large compacted file waits for many files below it") {
  Chain chain;
  for (int i = 1; i <= 12; ++i) {
    CAPTURE(i);
    CHECK(compacted_in(chain).empty());
    chain.app.run("INSERT INTO t VALUES(randomblob(500000))");
    REQUIRE(chain.upload().is_stored());
  }
  // Due with the sixth, looked at again with each third.
  const auto merged = compacted_in(chain);
  REQUIRE(merged.size() == 1);
  CHECK(merged[0].level == kSnapshotLevel);
  CHECK(merged[0].txids == TxidRange{Txid{1}, Txid{12}});
}

TEST_CASE("levels that could not be listed are listed after the next upload") {
  testing::FakeBucket bucket;
  bucket.on_call = [&, fails = true](const testing::StoreCall& call) mutable {
    if (call.operation != testing::StoreOperation::List || !std::exchange(fails, false)) return;
    bucket.faults().fail_next(1, testing::StoreFault::error(Code::Unavailable));
  };
  Chain chain(std::make_unique<testing::FakeStore>(bucket));
  for (int i = 1; i <= 6; ++i) {
    chain.app.run("INSERT INTO t VALUES(2)");
    CHECK(chain.upload().is_stored());
  }
  CHECK(bucket.count(testing::StoreOperation::List) == 1 + kListingsOfDirectory);
  CHECK(chain.wants_frames);
}

TEST_CASE("a run without uploads lists no levels, and a run with uploads lists them once") {
  testing::FakeBucket bucket;
  Chain chain(std::make_unique<testing::FakeStore>(bucket));
  for (int i = 0; i < 5; ++i) {
    chain.app.run("INSERT INTO t VALUES(2)");
    REQUIRE(chain.upload().is_stored());
  }
  REQUIRE(chain.uploader->save(true).has_value());
  chain.make_uploader(std::make_unique<testing::FakeStore>(bucket), chain.uploader->state());
  bucket.forget_calls();
  CHECK(chain.upload(job::Compare{}).to_store.empty());
  CHECK(bucket.calls().empty());
  for (int i = 0; i < 3; ++i) {
    chain.app.run("INSERT INTO t VALUES(2)");
    REQUIRE(chain.upload().is_stored());
  }
  CHECK(bucket.count(testing::StoreOperation::List) == kListingsOfDirectory);
}

TEST_CASE("a stop ends a compaction, and a failed compaction is only logged") {
  for (const bool stops : {true, false}) {
    CAPTURE(stops);
    Chain chain;
    for (int i = 0; i < 5; ++i) {
      chain.app.run("INSERT INTO t VALUES(2)");
      REQUIRE(chain.upload().is_stored());
    }
    REQUIRE(chain.wants_frames);
    const auto before = compacted_in(chain).size();
    chain.before_compaction = [&] {
      chain.hurried = stops;
      if (stops) return;
      chain.damage = [](int, MutableByteSpan bytes) { return ByteSpan(bytes).first(0); };
    };
    chain.app.run("INSERT INTO t VALUES(3)");
    CHECK(chain.upload().is_stored());
    CHECK(compacted_in(chain).size() == before);
    const bool is_told = std::ranges::any_of(chain.said, [](const std::string& line) {
      return line.find("compacted file not stored") != std::string::npos;
    });
    CHECK(is_told == !stops);
  }
}

TEST_CASE("an upload before a compaction is retried during an outage like any other") {
  Flaky flaky;
  Chain chain(flaky.store());
  for (int i = 0; i < 5; ++i) {
    chain.app.run("INSERT INTO t VALUES(2)");
    REQUIRE(chain.upload().is_stored());
  }
  REQUIRE(chain.wants_frames);
  const int puts = flaky.puts();
  bool was_free = false;
  chain.before_compaction = [&] { was_free = chain.snapshot != nullptr; };
  chain.app.run("INSERT INTO t VALUES(3)");
  flaky.bucket.faults().fail_next(3, testing::StoreFault::error(Code::Unavailable));
  CHECK(chain.upload().is_stored());
  CHECK(was_free);
  CHECK(flaky.puts() == puts + 4);
}

}  // namespace
}  // namespace walwrap::replication
