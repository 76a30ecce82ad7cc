// How the pages of the local database relate to those that are stored.
//
// Reads the database file and its -wal themselves, and stored files whole; changes nothing, but for
// what any first reader does: a transaction that was left unfinished is rolled back. Blocks. Only
// while no connection of ours to the database is open (Law 1). Busy: another process is using it.
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
  std::map<Pgno, std::uint64_t> pages{};  // that differ, with the local sum
  bool too_many = false;                  // there are more than are listed
  bool holds_newest = false;              // a page of the newest upload is as that stored it, in
                                          // the database file or in the WAL
  // Of pages that differ and are in the WAL: the sum of what the database file has under it.
  std::map<Pgno, std::uint64_t> in_file{};
  WalPages newer{};  // in the WAL, later than what is compared with: left out
  bool size_differs() const { return !newer.any && local_pages != stored_pages; }
  bool none() const { return pages.empty() && !too_many && !size_differs(); }
};

// Compares every page with `sums`, which are as of `newest` and have `pages` of them. Ends early
// with more differences than `most`.
struct StoredSums {
  const PageSums& sums;
  std::uint32_t pages = 0;
  Txid newest;
  // How far into the WAL that is: what it holds after it is left out. None: nothing is.
  std::optional<wal::Position> reaches = {};
};
inline constexpr std::size_t kMostDifferences = 200'000;  // some 10 MiB
Result<Differences> compare_pages(const os::Path& database, const StoredSums& stored,
                                  const os::Clock& clock, std::size_t most = kMostDifferences);

// True: none.
Result<bool> equals_sums(const os::Path& database, const PageSums& sums, std::uint32_t pages,
                         const os::Clock& clock);

struct ReplicaFiles {
  storage::ObjectStore& store;
  KeyStyle style;
  std::span<const StoredFile> files;
};

// Makes what is known about the state of `sums` known about that of the newest of `files`, which
// continue it one by one.
Result<void> follow(Differences& differences, const PageSums& sums, const ReplicaFiles& files);

enum class PagesAre {
  Equal,
  Older,  // every page that differs is as it was stored earlier: nothing here is news
  Mixed,  // some are, or pages are missing
  New,    // what differs was never stored
};
struct PagesFound {
  PagesAre are = PagesAre::Equal;
  bool holds_newest = false;  // a page of the newest upload is as that stored it
};
// Looks through `files` for the pages that differ, newest file first. `enough`: at the first one
// that was stored earlier, so that Older may be found as Mixed.
enum class LookFurther { UntilOne, UntilAll };
Result<PagesAre> relate(const Differences& differences, const ReplicaFiles& files,
                        LookFurther further);

}  // namespace walwrap::replication
