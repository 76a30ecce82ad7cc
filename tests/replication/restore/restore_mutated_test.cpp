// A replica whose objects are damaged at random: bits, lengths, pieces of one file in another,
// names that say something else, files that are missing. A restore gives a state that was stored,
// or an error. It does not crash, does not hang, and takes no memory that the objects do not
// explain.
//
//   WALWRAP_SEED=N           the mutations from this seed on; a run prints its own
//   WALWRAP_MUTATIONS=20000  more of them
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/environment.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/ltx_files.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/restore/restore.hpp"

namespace walwrap::replication {
namespace {

using testing::FakeBucket;
using testing::FakeStore;
using testing::PageMap;
using Objects = std::map<std::string, ByteVector>;

constexpr std::uint64_t kTxids = 6;
constexpr std::chrono::seconds kLongest{20};

// Six uploads of a database that grows and shrinks, a compacted file, and a snapshot.
struct Stored {
  PageSize page_size{512};
  Objects objects;
  std::map<Txid, ByteVector> states;

  Stored() {
    std::mt19937_64 random{42};
    PageMap database;
    for (std::uint64_t txid = 1; txid <= kTxids; ++txid) {
      const auto commit = static_cast<std::uint32_t>(3 + txid % 3);
      PageMap changed;
      for (std::uint32_t pgno = 1; pgno <= commit; ++pgno) {
        const bool is_new = !database.contains(pgno);
        if (is_new || random() % 2 == 0) changed[pgno] = testing::random_page(page_size, random);
      }
      for (const auto& [pgno, page] : changed) database[pgno] = page;
      std::erase_if(database, [&](const auto& entry) { return entry.first > commit; });
      add(kUploadLevel, txid, txid, commit, changed);
      ByteVector& state = states[Txid{txid}];
      for (const auto& [pgno, page] : database) state.insert(state.end(), page.begin(), page.end());
      if (txid == 4) add(kSnapshotLevel, 1, txid, commit, database);
      if (txid == 6) add(Level{1}, 5, txid, commit, database);
    }
  }
  void add(Level level, std::uint64_t first, std::uint64_t last, std::uint32_t commit,
           const PageMap& pages) {
    const auto key = file_key(KeyStyle::S3, level, {Txid{first}, Txid{last}});
    objects[key] =
        testing::encode_ltx(testing::ltx_header(page_size, commit, first, last), pages).value();
  }
};

// Damages the objects once, and says how.
class Mutation {
 public:
  explicit Mutation(std::mt19937_64& random) : random_(random) {}

  std::string apply(Objects& objects) {
    auto& [key, bytes] = *std::next(objects.begin(), below(objects.size()));
    const auto other = std::next(objects.begin(), below(objects.size()));
    switch (below(9)) {
      case 0:
        bytes[place(bytes)] ^= std::byte{1} << below(8);
        return "a bit of " + key;
      case 1:
        bytes[place(bytes)] = static_cast<std::byte>(below(256));
        return "a byte of " + key;
      case 2:
        bytes.resize(place(bytes));
        return "cut " + key;
      case 3:
        bytes.resize(bytes.size() + 1 + static_cast<std::size_t>(below(600)));
        return "zeros behind " + key;
      case 4: {  // a number that is very large, or 0
        const auto value = below(2) == 0 ? std::byte{0xff} : std::byte{0};
        const auto begin = at(bytes);
        std::fill_n(bytes.begin() + begin, std::min<std::ptrdiff_t>(8, size(bytes) - begin), value);
        return "eight equal bytes in " + key;
      }
      case 5: {  // a piece of another file at the same place
        const auto begin = std::min(at(bytes), at(other->second));
        const auto length =
            std::min({std::ptrdiff_t{64}, size(bytes) - begin, size(other->second) - begin});
        std::copy_n(other->second.begin() + begin, length, bytes.begin() + begin);
        return fmt::format("a piece of {} in {}", other->first, key);
      }
      case 6:
        bytes = ByteVector(other->second);
        return fmt::format("{} as {}", other->first, key);
      case 7: {
        const std::string name = key;
        objects.erase(name);
        return "no " + name;
      }
      default: {
        const auto first = 1 + static_cast<std::uint64_t>(below(8));
        const auto last = below(4) == 0 ? ~0ULL : first + static_cast<std::uint64_t>(below(4));
        const auto name =
            file_key(KeyStyle::S3, Level{static_cast<int>(below(10))}, {Txid{first}, Txid{last}});
        objects[name] = ByteVector(bytes);
        return fmt::format("{} once more as {}", key, name);
      }
    }
  }

 private:
  std::ptrdiff_t below(std::size_t limit) { return static_cast<std::ptrdiff_t>(random_() % limit); }
  std::ptrdiff_t at(const ByteVector& bytes) { return bytes.empty() ? 0 : below(bytes.size()); }
  std::size_t place(const ByteVector& bytes) { return static_cast<std::size_t>(at(bytes)); }
  static std::ptrdiff_t size(const ByteVector& bytes) {
    return static_cast<std::ptrdiff_t>(bytes.size());
  }
  std::mt19937_64& random_;
};

// The restored database; none: an error.
std::optional<std::pair<Txid, ByteVector>> restored(FakeBucket& bucket, const os::Path& output) {
  const auto open = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    return std::unique_ptr<storage::ObjectStore>(std::make_unique<FakeStore>(bucket));
  };
  FakeStore store(bucket);
  const auto listing = list_replica(store, KeyStyle::S3);
  if (!listing) return std::nullopt;
  auto plan = plan_restore(listing->files, {});
  if (!plan) return std::nullopt;
  RestoreRequest request;
  request.open_store = open;
  request.style = KeyStyle::S3;
  request.plan = *std::move(plan);
  request.output = output;
  request.integrity = Integrity::None;  // random pages are no database
  request.on_progress = [](const RestoreProgress&) {};
  request.cancelled = [] { return false; };
  const auto done = restore_database(request);
  if (!done) return std::nullopt;
  auto bytes = os::read_file(output, 1U << 20).value();
  std::filesystem::remove(output);
  return std::pair(done->txid, std::move(bytes));
}

TEST_CASE("whatever a replica's objects have become, a restore gives a stored state or an error") {
#ifdef __SANITIZE_THREAD__  // it makes each restore slower, and the other one looks at memory
  constexpr std::uint64_t kMutations = 1'000;
#else
  constexpr std::uint64_t kMutations = 10'000;
#endif
  const auto seed = testing::number_from("WALWRAP_SEED", std::random_device{}());
  const auto mutations = testing::number_from("WALWRAP_MUTATIONS", kMutations);
  MESSAGE("WALWRAP_SEED=" << seed);
  const Stored stored;
  const bool has_memory = std::filesystem::is_directory("/dev/shm");
  const testing::TempDir directory(has_memory ? std::filesystem::path("/dev/shm")
                                              : std::filesystem::temp_directory_path());
  std::uint64_t equal = 0;
  for (std::uint64_t i = 0; i < mutations; ++i) {
    std::mt19937_64 random{seed + i};
    auto objects = stored.objects;
    std::string what;
    for (auto left = 1 + random() % 3; left > 0; --left) {
      what += Mutation(random).apply(objects) + "; ";
    }
    CAPTURE(seed + i);
    CAPTURE(what);
    FakeBucket bucket;
    for (const auto& [key, bytes] : objects) bucket.set(key, bytes);
    const auto begun = std::chrono::steady_clock::now();
    const auto found = restored(bucket, directory / "app.db");
    REQUIRE(std::chrono::steady_clock::now() - begun < kLongest);
    REQUIRE(std::filesystem::is_empty(directory.path()));
    if (!found) continue;
    ++equal;
    REQUIRE(stored.states.contains(found->first));
    REQUIRE(found->second == stored.states.at(found->first));
  }
  // Most damage is in files that the newest state does not need, or is found.
  CHECK(equal > mutations / 20);
  CHECK(equal < mutations);
}

}  // namespace
}  // namespace walwrap::replication
