// WAL -> page set: which pages have changed since the stored state.
//
// Reads committed frames up to the published end of the WAL and never past it: a frame with a valid
// checksum may still be uncommitted. Knows each page's newest frame in the current WAL, so that a
// Snapshot can read it. Owned by the capture thread; has no thread of its own.
//
// If the WAL cannot prove that no commit is missing (a start without its position, a WAL that
// restarted while walwrap was not attached), needs_compare() turns true. The pages that differ from
// the stored sums must then be added before anything is uploaded. The same applies if SQLite has
// counted more commits than were found (commit_count.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/capture/commit_count.hpp"
#include "walwrap/replication/capture/wal_writeback.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/snapshot.hpp"
#include "walwrap/wal/frame_map.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

class Capture {
 public:
  // `stored`: the position in this WAL up to which everything is stored, from the saved state.
  static Result<std::unique_ptr<Capture>> open(const sqlite::CheckpointOwner& owner,
                                               std::optional<wal::Position> stored);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Takes the new frames that `index` lists. Returns whether there were any.
  Result<bool> drain(const sqlite::IndexView& index);

  bool needs_compare() const { return needs_compare_; }
  void require_compare();
  // A comparison was given up halfway. Its results stay valid as long as captures continue.
  void resume_compare() { needs_compare_ = true; }
  // Commits found so far. The content before the first one, or content that was missed, counts as
  // one.
  std::uint64_t commits() const { return commits_; }
  // Every frame that `index` lists was taken.
  bool has_read(const sqlite::IndexView& index) const;
  // And SQLite has counted the same number of commits. Every verdict checks this.
  bool is_proven(const sqlite::IndexView& index) const;
  // Commits that SQLite counted and that were never found, since the start.
  std::uint64_t missed_commits() const { return count_.missed(); }
  // False: SQLite's count does not describe this database's commits.
  bool can_prove() const { return count_.can_prove(); }
  // walwrap has recovered the wal-index, so SQLite's count restarts.
  void on_recovered() { count_.restart(); }
  bool has_pending() const { return !pending_.empty(); }
  // A part of what was found is not stored, or not known to be stored.
  bool has_news() const { return needs_compare_ || has_pending(); }
  const PageSet& pending() const { return pending_; }
  void add_pending(const PageSet& pages) { pending_.add_all(pages); }

  // The input of an upload or a comparison: a begun snapshot that knows its frames.
  struct Shot {
    PageSet pages;             // pages to read: the pending ones, or all for a comparison
    std::uint32_t commit = 0;  // database size in pages
    wal::Position covers;      // storing `pages` stores everything up to here
    PageSet changed;           // since the previous shot
    bool continues = false;    // `changed` is complete: no commit was missed since then
  };
  // Begins `snapshot` and takes the pending pages, plus the pages that the LTX rule for growth
  // requires from `stored_pages`, the stored database size. Busy: not at this moment. nullopt:
  // nothing to store (a database of 0 pages). The snapshot knows the frames of these pages, or of
  // every page.
  enum class Frames { OfPages, Every };
  Result<std::optional<Shot>> take(const sqlite::CheckpointOwner& owner, sqlite::Snapshot& snapshot,
                                   std::uint32_t stored_pages, Frames frames = Frames::OfPages);
  // The same with every page, for a comparison. needs_compare() turns false.
  Result<std::optional<Shot>> take_all(const sqlite::CheckpointOwner& owner,
                                       sqlite::Snapshot& snapshot);

 private:
  Capture(os::File wal, const sqlite::CheckpointOwner& owner, std::optional<wal::Position> stored);
  Result<bool> start_log(const sqlite::IndexView& index);
  Result<void> check_end();
  Result<bool> read_frames(std::uint32_t max_frame);
  void lose_continuity();
  void compare_counts(const wal::IndexHeader& header);
  Result<std::optional<sqlite::Snapshot::Moment>> begin(const sqlite::CheckpointOwner& owner,
                                                        sqlite::Snapshot& snapshot);
  void give_frames(sqlite::Snapshot& snapshot, const sqlite::Snapshot::Moment& moment,
                   const PageSet& pages) const;

  os::File wal_;
  WalWriteback writeback_;
  PageSize page_size_;
  std::optional<wal::Position> stored_;  // until the WAL has proved or disproved it
  bool needs_compare_ = false;
  std::uint64_t commits_ = 1;
  CommitCount count_;
  std::optional<wal::Scanner> scanner_;
  wal::FrameMap newest_;
  PageSet pending_;
  PageSet changed_;         // since the last shot
  bool continues_ = false;  // changed_ is complete
  ByteVector buffer_;
};

}  // namespace walwrap::replication
