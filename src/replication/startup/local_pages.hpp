// How the pages of the local database relate to the stored ones.
//
// Reads the database file and its -wal directly, and stored files completely. Changes nothing,
// except what any first reader does: an unfinished transaction is rolled back. Blocks. Only while
// walwrap has no connection to the database open (Law 1). Busy: another process uses it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/replica/wal_reach.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// Where the local database differs from a stored state.
struct Differences {
  std::uint32_t local_pages = 0;
  std::uint32_t stored_pages = 0;
  std::map<Pgno, std::uint64_t> pages{};  // the different pages, with their local sums
  bool too_many = false;                  // there are more than the list holds
  bool holds_newest = false;              // a page of the newest upload is as it was stored, in
                                          // the database file or in the WAL
  // Of pages that differ and are in the WAL: the sum of what the database file has under it.
  std::map<Pgno, std::uint64_t> in_file{};
  WalPages newer{};  // in the WAL, after the compared state: left out
  // The database is one file without a WAL, and has each page that its own header names.
  bool is_complete_file = false;
  bool size_differs() const { return !newer.any && local_pages != stored_pages; }
  bool none() const { return pages.empty() && !too_many && !size_differs(); }
};

// Compares every page with `sums`, which are as of `newest` and cover `pages` pages. Ends early
// with more differences than `most`.
struct StoredSums {
  const PageSums& sums;
  std::uint32_t pages = 0;
  Txid newest;
  // The position of that state in the WAL. Later pages in the WAL are left out. none: no page is
  // left out.
  std::optional<wal::Position> reaches = {};
};
inline constexpr std::size_t kMostDifferences = 200'000;  // some 10 MiB
Result<Differences> compare_pages(const os::Path& database, const StoredSums& stored,
                                  const os::Clock& clock, std::size_t most = kMostDifferences);

// True: no differences.
Result<bool> equals_sums(const os::Path& database, const PageSums& sums, std::uint32_t pages,
                         const os::Clock& clock);

struct ReplicaFiles {
  storage::ObjectStore& store;
  KeyStyle style;
  std::span<const StoredFile> files;
};

// Turns the differences from the state of `sums` into differences from the newest of `files`, which
// continue that state one by one.
Result<void> follow(Differences& differences, const PageSums& sums, const ReplicaFiles& files);

enum class PagesAre {
  Equal,
  Older,  // every different page is as it was stored earlier: nothing is new
  Mixed,  // some are as stored earlier, or pages are missing
  New,    // the different pages were never stored
};
struct PagesFound {
  PagesAre are = PagesAre::Equal;
  bool holds_newest = false;  // a page of the newest upload is as it was stored
};
// Searches `files` for the different pages, newest file first. `enough`: stops at the first page
// that was stored earlier, so that Older may be reported as Mixed.
enum class LookFurther { UntilOne, UntilAll };
Result<PagesAre> relate(const Differences& differences, const ReplicaFiles& files,
                        LookFurther further);

}  // namespace walwrap::replication
