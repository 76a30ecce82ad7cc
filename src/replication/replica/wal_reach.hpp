// Does the local database hold what was stored up to a WAL position? What the WAL beside it proves.
//
// A position alone proves nothing: a volume may be put back, and power loss cuts what was not
// synced. So each upload carries the position it covers, and a start looks for the position of the
// newest one in the WAL it finds. The running checksum at a commit covers every frame before it, so
// an equal one proves an equal history.
//
// Two generations of one WAL file have an order: SQLite adds one to the first salt with each
// restart, and restarts only what was checkpointed whole. Source: sqlite.org/walformat.html.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

// The reserved bytes of an upload's header: salts, frame and checksum, big-endian. nullopt: all
// zero, as other writers leave them.
using PositionBytes = std::array<std::byte, ltx::kReservedBytes>;
PositionBytes format_position(const wal::Position& position);
std::optional<wal::Position> parse_position(const PositionBytes& bytes);

// The commits that a WAL file holds, in order. Memory: 12 bytes for each.
struct WalCommits {
  struct Commit {
    std::uint32_t frame = 0;  // its last one
    wal::Checksum checksum;
  };
  std::optional<wal::Salts> salts;  // nullopt: there is no WAL, or none with a valid header
  std::vector<Commit> commits;

  std::uint32_t end() const { return commits.empty() ? 0 : commits.back().frame; }
};

// Reads the WAL of this database from its beginning to where its valid frames end. Opens the -wal
// alone, so it may be called beside live connections. Busy: it was restarted each time.
Result<WalCommits> read_wal_commits(const os::Path& database);

// The pages that the WAL of this database holds in commits after `position`; the database file
// under it says nothing about them.
struct WalPages {
  PageSet pages;
  bool any = false;  // there is such a commit
};
Result<WalPages> read_wal_pages_after(const os::Path& database, const wal::Position& position);

// From certain to unknown, and then the two that contradict.
enum class Reach {
  Proven,     // the WAL holds the position: the database is there, or further on
  Restarted,  // the WAL was restarted since, so all of it was checkpointed: there, or further on
  Unproven,   // the WAL proves nothing: it was deleted, or is another one
  Behind,     // the WAL ends before the position, or is of an earlier generation
  Forked,     // the WAL reaches as far, with other frames
};
Reach reach_of(const WalCommits& found, const wal::Position& stored);

struct ReachFound {
  Reach reach = Reach::Unproven;
  std::optional<wal::Position> proven;  // of Proven
};
// Of several positions that all stand for one stored state: the first that is proven, else the
// first about which the WAL tells anything.
ReachFound reach_of_any(const WalCommits& found, std::span<const wal::Position> stored);

}  // namespace walwrap::replication
