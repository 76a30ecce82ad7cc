#include "walwrap/replication/upload/comparison.hpp"

#include <doctest/doctest.h>

#include "tests/support/chain.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;

// A database of several pages, and sums that agree with it.
struct Compared : Chain {
  PageSums sums = StateDir::open(world.directory / "sums.db").value().open_sums().value();
  Comparison comparison;

  Compared() {
    app.run("INSERT INTO t VALUES(randomblob(20000))");
    const UploadJob all = job(job::Compare{});
    REQUIRE(sums.resize(all.commit));
    ByteVector page(all.page_size.value);
    all.pages.for_each([&](Pgno pgno) {
      REQUIRE(all.snapshot.read_page(pgno, page).has_value());
      sums.set(pgno, page_sum(page), Txid{1});
    });
    pages_read = 0;
  }
};

TEST_CASE("a comparison finds the pages whose sums differ or are not known") {
  Compared it;
  CHECK(it.comparison.run(it.job(job::Compare{}), it.sums).differ.empty());
  it.sums.set(Pgno{2}, it.sums.get(Pgno{2}) ^ 2, Txid{1});
  it.sums.set(Pgno{4}, 0, Txid{});
  const auto found = it.comparison.run(it.job(job::Compare{}), it.sums);
  CHECK(found.differ.size() == 2);
  CHECK(found.differ.contains(Pgno{2}));
  CHECK(found.differ.contains(Pgno{4}));
  CHECK(found.error.empty());
  CHECK(it.comparison.equal().empty());
}

TEST_CASE("a recalled comparison keeps the pages that it found equal") {
  Compared it;
  it.recalled_after = 3;
  const auto found = it.comparison.run(it.job(job::Compare{}), it.sums);
  CHECK(found.recalled);
  CHECK(found.differ.empty());
  CHECK(it.comparison.equal() == PageSet::range(Pgno{1}, Pgno{3}));

  // A page that has changed since is read again, and after a gap every page is.
  UploadJob next = it.job(job::Compare{});
  next.changed.add(Pgno{2});
  it.comparison.forget_changed(next);
  CHECK_FALSE(it.comparison.equal().contains(Pgno{2}));
  CHECK(it.comparison.equal().size() == 2);
  next.continues = false;
  it.comparison.forget_changed(next);
  CHECK(it.comparison.equal().empty());
}

}  // namespace
}  // namespace walwrap::replication
