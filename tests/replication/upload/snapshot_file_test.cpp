#include "walwrap/replication/upload/snapshot_file.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/chain.hpp"
#include "walwrap/ltx/decoder.hpp"

namespace walwrap::replication {
namespace {

// The pages of a database of some pages, as one file.
struct Made {
  testing::Chain chain;
  Capture::Shot shot;
  ByteVector file;
  std::vector<Bytes> streamed;

  Result<Encoded> encode(int blob_bytes) {
    chain.app.run(fmt::format("INSERT INTO t VALUES(randomblob({}))", blob_bytes));
    shot = *chain.capture->take_all(*chain.owner, *chain.snapshot).value();
    const SnapshotFile encoder({.on_streamed = [this](Bytes now) { streamed.push_back(now); },
                                .start_encoder = ltx::Encoder::start},
                               chain.clock, chain.log);
    const SnapshotPages from{
        .read = [&](Pgno pgno,
                    MutableByteSpan page) { return chain.snapshot->read_page(pgno, page); },
        .pages = shot.pages,
        .header = {.page_size = chain.owner->page_size(),
                   .commit = shot.commit,
                   .txids = {Txid{1}, Txid{1}},
                   .timestamp = {},
                   .wal = {},
                   .node = {}}};
    return encoder.encode(from, [this](ByteSpan bytes) -> Result<void> {
      file.insert(file.end(), bytes.begin(), bytes.end());
      return {};
    });
  }
};

TEST_CASE("a file has the pages of its snapshot, and its sums are those of the pages") {
  Made made;
  const auto encoded = made.encode(50'000);
  REQUIRE_MESSAGE(encoded.has_value(), encoded.error().text);
  CHECK(encoded->size == made.file.size());
  CHECK(encoded->has_sums);
  REQUIRE(encoded->sums.size() == made.shot.pages.size());
  CHECK(made.streamed.empty());

  ByteSpan rest(made.file);
  auto decoder = ltx::Decoder::start([&](MutableByteSpan to) -> Result<std::size_t> {
                   const auto some = std::min(to.size(), rest.size());
                   std::copy_n(rest.begin(), some, to.begin());
                   rest = rest.subspan(some);
                   return some;
                 }).value();
  ByteVector page(made.chain.owner->page_size().value);
  ByteVector live(page.size());
  std::size_t at = 0;
  while (const auto pgno = decoder.next_page(page).value()) {
    REQUIRE(made.chain.snapshot->read_page(*pgno, live).has_value());
    CHECK(page == live);
    CHECK(encoded->sums[at++] == page_sum(page));
  }
  CHECK(at == made.shot.pages.size());
}

TEST_CASE("a large file reports its progress page by page") {
  Made made;
  REQUIRE(made.encode(6'000'000).has_value());
  REQUIRE(made.streamed.size() > 1);
  CHECK(made.streamed.back() == made.shot.pages.size() * 4096);
}

}  // namespace
}  // namespace walwrap::replication
