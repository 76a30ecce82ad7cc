#include "walwrap/replication/startup/local_pages.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "walwrap/ltx/decoder.hpp"
#include "walwrap/replication/capture/capture.hpp"
#include "walwrap/replication/replica/fetch.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/connection.hpp"
#include "walwrap/sqlite/snapshot.hpp"
#include "walwrap/sqlite/still_database.hpp"

namespace walwrap::replication {
namespace {

constexpr int kSnapshotTries = 100;
constexpr std::chrono::milliseconds kSnapshotPause{10};
constexpr std::size_t kPagesAtOnce = 1024;
constexpr Bytes kComparePieceBytes = 1 << 20;

// false: no further page is needed.
using PageVisit = std::function<bool(Pgno pgno, ByteSpan page)>;

template <typename Database>  // what can read a page
Result<void> for_each_page(const PageSet& pages, const Database& database, PageSize page_size,
                           const PageVisit& visit) {
  ByteVector page(page_size.value);
  Pgno after{0};
  while (true) {
    const auto batch = pages.next(after, kPagesAtOnce);
    if (batch.empty()) return {};
    for (const Pgno pgno : batch) {
      TRY(database.read_page(pgno, page));
      if (!visit(pgno, page)) return {};
    }
    after = batch.back();
  }
}

// If every page is visited, every rule of the file is checked.
Result<ltx::Header> for_each_stored(const ReplicaFiles& from, const StoredFile& file,
                                    const PageVisit& visit) {
  const std::string key = file_key(from.style, file.level, file.txids);
  const auto info = TRY(from.store.head(key));
  auto decoder =
      TRY(ltx::Decoder::start(object_reader(from.store, key, info.size, kComparePieceBytes))
              .context(key));
  ByteVector page(decoder.header().page_size.value);
  while (true) {
    const auto pgno = TRY(decoder.next_page(page).context(key));
    if (!pgno || !visit(*pgno, page)) return decoder.header();
  }
}

void note(Differences& differences, Pgno pgno, std::uint64_t local) {
  if (differences.pages.size() < kMostDifferences) {
    differences.pages.insert_or_assign(pgno, local);
  } else {
    differences.too_many = true;
  }
}

// The database as of one moment.
Result<std::optional<Capture::Shot>> take_all(Capture& capture,
                                              const sqlite::CheckpointOwner& owner,
                                              sqlite::Snapshot& snapshot) {
  for (int i = 0; i < kSnapshotTries; ++i) {
    auto shot = capture.take_all(owner, snapshot);
    if (shot || shot.error().code != Code::Busy) return shot;
    os::pause_for(kSnapshotPause);
  }
  return fail(Code::Busy, "{} is written without pauses by another process",
              owner.database().string());
}

// Of the file under the WAL. nullopt: no WAL lies over it, or it is unknown.
std::optional<std::uint64_t> sum_under_wal(const sqlite::StillDatabase& database, Pgno pgno,
                                           PageSize page_size) {
  if (!database.is_in_wal(pgno)) return std::nullopt;
  ByteVector page(page_size.value);
  if (!database.read_file_page(pgno, page)) return std::nullopt;
  return page_sum(page);
}
std::optional<std::uint64_t> sum_under_wal(const sqlite::Snapshot&, Pgno, PageSize) {
  return std::nullopt;
}

template <typename Database>
Result<Differences> compare_each(const PageSet& pages, const Database& database, PageSize page_size,
                                 const StoredSums& stored, Differences differences,
                                 std::size_t most) {
  if (most == 0 && !differences.none()) return differences;
  TRY(for_each_page(pages, database, page_size, [&](Pgno pgno, ByteSpan page) {
    const std::uint64_t local = page_sum(page);
    std::uint64_t in_file = local;
    if (local != stored.sums.get(pgno)) {
      note(differences, pgno, local);
      if (const auto under = sum_under_wal(database, pgno, page_size)) {
        in_file = *under;
        if (!differences.too_many) differences.in_file.insert_or_assign(pgno, in_file);
      }
    }
    const bool is_of_newest = stored.sums.stored_by(pgno) == stored.newest;
    if (is_of_newest && in_file == stored.sums.get(pgno)) differences.holds_newest = true;
    return differences.pages.size() <= most;
  }));
  return differences;
}

// A transaction that a killed app left unfinished. The first connection rolls it back. Until then
// the content is unknown.
Result<void> roll_back(const os::Path& database) {
  constexpr std::chrono::milliseconds kPatience{20};
  auto connection =
      TRY(sqlite::Connection::open(database, {.busy_timeout = kPatience, .vfs = nullptr}));
  return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").context("roll back");
}

Result<sqlite::StillDatabase> open_still(const os::Path& database) {
  auto still = sqlite::StillDatabase::open(database);
  if (still || still.error().code != Code::Unsupported) return still;
  TRY(roll_back(database));
  return sqlite::StillDatabase::open(database);
}

void remove_all(PageSet& pages, const PageSet& others) {
  others.for_each([&](Pgno pgno) { pages.remove(pgno); });
}

Result<WalPages> newer_in_wal(const os::Path& database, const StoredSums& stored) {
  if (!stored.reaches) return WalPages{};
  return read_wal_pages_after(database, *stored.reaches);
}

// Beside another process that has it open in WAL mode: the -wal and the -shm exist already.
Result<Differences> compare_beside(const os::Path& database, const StoredSums& stored,
                                   const os::Clock& clock, std::size_t most) {
  const auto log = os::status_of(database.string() + "-wal");
  const auto owner = TRY(sqlite::CheckpointOwner::attach(database, clock));
  // If the WAL was missing or empty, this leaves nothing behind.
  if (!log || log->size == 0) owner->remove_wal_on_close();
  const auto capture = TRY(Capture::open(*owner, std::nullopt));
  const auto snapshot = TRY(sqlite::Snapshot::open(*owner));
  Differences differences{.stored_pages = stored.pages};
  const auto shot = TRY(take_all(*capture, *owner, *snapshot));
  if (!shot) return differences;
  differences.local_pages = shot->commit;
  differences.newer = TRY(newer_in_wal(database, stored));
  PageSet pages = shot->pages;
  remove_all(pages, differences.newer.pages);
  auto compared =
      compare_each(pages, *snapshot, owner->page_size(), stored, std::move(differences), most);
  snapshot->end();
  return compared;
}

}  // namespace

Result<Differences> compare_pages(const os::Path& database, const StoredSums& stored,
                                  const os::Clock& clock, std::size_t most) {
  const auto still = open_still(database);
  if (!still) {
    const bool has_index = os::exists(database.string() + "-shm");
    if (still.error().code != Code::Busy || !has_index) return fail(still.error());
    return compare_beside(database, stored, clock, most);
  }
  auto pages = PageSet::range(Pgno{1}, Pgno{still->pages()});
  pages.remove(lock_page(still->page_size()));  // Law 7
  auto newer = TRY(newer_in_wal(database, stored));
  remove_all(pages, newer.pages);
  const bool is_complete = TRY(still->is_complete_file());
  return compare_each(pages, *still, still->page_size(), stored,
                      {.local_pages = still->pages(),
                       .stored_pages = stored.pages,
                       .newer = std::move(newer),
                       .is_complete_file = is_complete},
                      most);
}

Result<bool> equals_sums(const os::Path& database, const PageSums& sums, std::uint32_t pages,
                         const os::Clock& clock) {
  const auto found =
      TRY(compare_pages(database, {.sums = sums, .pages = pages, .newest = {}}, clock, 0));
  return found.none();
}

Result<void> follow(Differences& differences, const PageSums& sums, const ReplicaFiles& files) {
  // The earlier files' content of a page that equals none of them does not matter: the last file
  // decides.
  std::map<Pgno, std::uint64_t> local_of;  // of pages that were equal to `sums`
  for (const StoredFile& file : files.files) {
    differences.holds_newest = false;
    const auto visit = [&](Pgno pgno, ByteSpan page) {
      if (pgno.value > differences.local_pages) return true;  // the size proves it
      if (differences.newer.pages.contains(pgno)) return true;
      const auto known = differences.pages.find(pgno);
      const auto before = local_of.find(pgno);
      const std::uint64_t local = known != differences.pages.end() ? known->second
                                  : before != local_of.end()       ? before->second
                                                                   : sums.get(pgno);
      if (local == page_sum(page)) {
        local_of.insert_or_assign(pgno, local);
        differences.pages.erase(pgno);
        differences.holds_newest = true;
      } else {
        note(differences, pgno, local);
        const auto under = differences.in_file.find(pgno);
        const bool is_under = under != differences.in_file.end() && under->second == page_sum(page);
        if (is_under) differences.holds_newest = true;
      }
      return true;
    };
    const auto header = TRY(for_each_stored(files, file, visit));
    differences.stored_pages = header.commit;
  }
  return {};
}

Result<PagesAre> relate(const Differences& differences, const ReplicaFiles& files,
                        LookFurther further) {
  if (differences.none()) return PagesAre::Equal;
  std::vector<StoredFile> newest_first(files.files.begin(), files.files.end());
  std::sort(newest_first.begin(), newest_first.end(),
            [](const StoredFile& left, const StoredFile& right) {
              return left.txids.last > right.txids.last ||
                     (left.txids.last == right.txids.last && left.level < right.level);
            });
  auto unknown = differences.pages;
  PageSet seen;  // in a newer file, with other content
  bool any_older = false;
  const bool is_shorter =
      differences.size_differs() && differences.local_pages < differences.stored_pages;
  // Page 1 has the size. In a complete file, a page 1 that was never stored is from the app, and so
  // is its size (VACUUM). As long as it may be found in a stored file, nothing is decided.
  const auto is_own_size = [&] {
    return differences.is_complete_file && unknown.contains(Pgno{1});
  };
  const auto has_older = [&] { return any_older || (is_shorter && !is_own_size()); };
  for (const StoredFile& file : newest_first) {
    if (unknown.empty() || (further == LookFurther::UntilOne && has_older())) break;
    TRY(for_each_stored(files, file, [&](Pgno pgno, ByteSpan page) {
      const auto found = unknown.find(pgno);
      if (found == unknown.end()) return true;
      if (found->second != page_sum(page)) {
        seen.add(pgno);
        return true;
      }
      // Equal to the newest file: the page was unknown, and is no difference.
      any_older = any_older || seen.contains(pgno);
      unknown.erase(found);
      return !unknown.empty();
    }));
  }
  if (!has_older()) {
    const bool is_equal = unknown.empty() && !differences.too_many && !differences.size_differs();
    return is_equal ? PagesAre::Equal : PagesAre::New;
  }
  return unknown.empty() && !differences.too_many ? PagesAre::Older : PagesAre::Mixed;
}

}  // namespace walwrap::replication
