// Whether the local database holds everything stored up to a WAL position, as far as its WAL can
// prove it.
//
// A position alone proves nothing: a volume may be restored to a snapshot, and a power loss cuts
// what was not synced. So each upload has the position that it covers, and a start searches its WAL
// for the position of the newest upload. The running checksum at a commit covers every frame before
// it, so an equal checksum proves an equal history.
//
// Two generations of one WAL file have an order: SQLite adds one to the first salt with each
// restart, and restarts a WAL only after a complete checkpoint. Source: sqlite.org/walformat.html.
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

// The commits of a WAL file, in order. Memory: 12 bytes for each.
struct WalCommits {
  struct Commit {
    std::uint32_t frame = 0;  // the last one
    wal::Checksum checksum;
  };
  std::optional<wal::Salts> salts;  // nullopt: there is no WAL, or none with a valid header
  std::vector<Commit> commits;

  std::uint32_t end() const { return commits.empty() ? 0 : commits.back().frame; }
};

// Reads the WAL of this database from its beginning to the last valid frame. Opens the -wal alone,
// so it may be called beside live connections. Busy: it restarted each time.
Result<WalCommits> read_wal_commits(const os::Path& database);

// The pages that the WAL holds in commits after `position`. The database file says nothing about
// them.
struct WalPages {
  PageSet pages;
  bool any = false;  // there is such a commit
};
Result<WalPages> read_wal_pages_after(const os::Path& database, const wal::Position& position);

// From certain to unknown, then the two contradictions.
enum class Reach {
  Proven,     // the WAL holds the position: the database is there or further
  Restarted,  // the WAL restarted since, so it was checkpointed: there or further
  Unproven,   // the WAL proves nothing: it was deleted or replaced
  Behind,     // the WAL ends before the position, or has an earlier generation
  Forked,     // the WAL reaches the position with other frames
};
Reach reach_of(const WalCommits& found, const wal::Position& stored);

struct ReachFound {
  Reach reach = Reach::Unproven;
  std::optional<wal::Position> proven;  // if Proven
};
// For several positions of one stored state: the first proven one, else the first one that the WAL
// can judge.
ReachFound reach_of_any(const WalCommits& found, std::span<const wal::Position> stored);

}  // namespace walwrap::replication
