#include "walwrap/replication/replica/fetch.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::replication {
namespace {

struct Stored {
  testing::TempDir directory;
  std::unique_ptr<storage::FileStore> store = open();
  std::unique_ptr<storage::FileStore> open() const {
    return storage::FileStore::open(directory / "replica", storage::Access::Create).value();
  }
  Stored() { REQUIRE(store->put("a", storage::body_of(as_bytes("0123456789")), {}).has_value()); }
};

TEST_CASE("a range is fetched exactly, and an error names its key") {
  const Stored stored;
  ByteVector buffer;
  REQUIRE(fetch_range(*stored.store, "a", {2, 3}, buffer).has_value());
  CHECK(as_text(buffer) == "234");
  const auto missing = fetch_range(*stored.store, "b", {0, 1}, buffer);
  CHECK(missing.error().code == Code::NotFound);
  CHECK(missing.error().text.find('b') != std::string::npos);
  CHECK_FALSE(fetch_range(*stored.store, "a", {8, 5}, buffer).has_value());
}

TEST_CASE("an object is read in pieces up to its end") {
  const Stored stored;
  const ReadFn read = object_reader(*stored.store, "a", 10, 4);
  std::string all;
  std::array<std::byte, 3> buffer{};
  while (true) {
    const auto got = read(buffer);
    REQUIRE(got.has_value());
    if (*got == 0) break;
    all += as_text(ByteSpan(buffer).first(*got));
  }
  CHECK(all == "0123456789");
}

TEST_CASE("the pool runs every task, and the first error ends the wait") {
  const Stored stored;
  FetchPool pool(os::Wakeup::create().value(), []() -> Result<void> { return {}; });
  REQUIRE(pool.add_thread(stored.open()).has_value());
  REQUIRE(pool.add_thread(stored.open()).has_value());
  std::atomic<int> done{0};
  for (int i = 0; i < 50; ++i) {
    REQUIRE(pool.submit([&](FetchPool::Worker&) -> Result<void> {
                  ++done;
                  return {};
                })
                .has_value());
  }
  REQUIRE(pool.drain().has_value());
  CHECK(done == 50);
  const auto submitted =
      pool.submit([](FetchPool::Worker&) -> Result<void> { return fail(Code::Corrupt, "broken"); });
  const auto drained = pool.drain();
  CHECK((!submitted || !drained));
}

TEST_CASE("the last task's error is reported even if it fails during the owner's check") {
  const Stored stored;
  std::atomic<bool> is_submitted{false}, may_fail{false};
  FetchPool* looked_at = nullptr;
  FetchPool pool(os::Wakeup::create().value(), [&]() -> Result<void> {
    if (!is_submitted) return {};
    may_fail = true;
    while (!looked_at->stopping()) std::this_thread::yield();
    return {};
  });
  looked_at = &pool;
  REQUIRE(pool.add_thread(stored.open()).has_value());
  REQUIRE(pool.submit([&](FetchPool::Worker&) -> Result<void> {
                while (!may_fail) std::this_thread::yield();
                return fail(Code::Io, "disk full");
              })
              .has_value());
  is_submitted = true;
  CHECK(pool.drain().error().text == "disk full");
}

TEST_CASE("where no thread can start, the pool's owner does every task") {
  const auto run = [](bool limited) {
    return testing::in_child([limited]() -> std::string {
      const Stored stored;
      if (::setresuid(54'321, 54'321, 54'321) != 0) return std::string(testing::kSkipped);
      const rlimit none{0, 0};
      if (limited && ::setrlimit(RLIMIT_NPROC, &none) != 0) return "no limit";
      FetchPool pool(os::Wakeup::create().value(), []() -> Result<void> { return {}; });
      if (!pool.add_thread(nullptr)) return "not added";
      const auto own = std::this_thread::get_id();
      std::atomic<int> here{0}, elsewhere{0};
      for (int i = 0; i < 50; ++i) {
        const auto submitted = pool.submit([&](FetchPool::Worker&) -> Result<void> {
          ++(std::this_thread::get_id() == own ? here : elsewhere);
          return {};
        });
        if (!submitted) return submitted.error().text;
      }
      if (const auto drained = pool.drain(); !drained) return drained.error().text;
      return here == 50 ? "here" : elsewhere == 50 ? "elsewhere" : "both";
    });
  };
  if (run(false) == testing::kSkipped) return;
  CHECK(run(false) == "elsewhere");
  CHECK(run(true) == "here");
}

}  // namespace
}  // namespace walwrap::replication
