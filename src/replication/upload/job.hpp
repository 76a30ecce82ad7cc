// What the capture thread asks of the upload thread, and the answers. Data only.
//
// A job has one of three kinds, with a struct for each. Its answer has the same kind. Both move
// from thread to thread as a whole (mailboxes.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "walwrap/base/page_set.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/upload/snapshot_lease.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

namespace job {

// Store `pages` as the next upload.
struct Changes {
  // The snapshot knows the frames of every page, not only of `pages`, so a compaction may follow.
  bool knows_all_frames = false;
};
// `pages` are all pages: find those that differ from the sums. Store nothing.
struct Compare {};
// `pages` are all pages: store those that differ, then all of them as one file, a snapshot.
struct Snapshot {};

}  // namespace job

using JobKind = std::variant<job::Changes, job::Compare, job::Snapshot>;

struct UploadJob {
  SnapshotLease snapshot{};  // begun, with the frames of `pages`
  PageSize page_size{};
  PageSet pages{};
  std::uint32_t commit = 0;  // database size in pages
  wal::Position covers{};    // storing `pages` stores everything up to here
  PageSet changed{};         // since the previous job
  bool continues = false;    // the previous job had the same attachment, and `changed` is complete
  JobKind kind{};
};

namespace answer {

struct Changes {
  bool stored = false;
  Bytes bytes = 0;  // of the file
};
struct Compare {
  bool is_equal = false;  // the whole database equals what is stored
};
struct Snapshot {
  Changes changes{};    // stored: the pages that differed are stored, or none differed
  Bytes bytes = 0;      // of the file that holds the whole database
  std::string error{};  // why that file is not stored; "": it is stored
};

}  // namespace answer

using JobAnswer = std::variant<answer::Changes, answer::Compare, answer::Snapshot>;

struct UploadDone {
  JobAnswer answer{};
  PageSet to_store{};       // by a later job: these pages differ, or were not stored
  Txid txid{};              // stored by now
  std::uint32_t pages = 0;  // database size as of it
  Bytes compacted = 0;      // of compacted files that were stored before this job
  MonoTime started{};
  std::chrono::nanoseconds took{0};
  std::string error{};            // why the job failed; "": it did not fail
  bool stop = false;              // never offer a job again: another writer stores here
  bool compare_again = false;     // the sums have changed: pages that were found equal may differ
  bool wants_all_frames = false;  // a compaction is due with the next job
  bool recalled = false;          // given up because its snapshot was recalled: no failure

  // The result for the pages that differ. nullptr: the job had nothing to store.
  const answer::Changes* changes() const {
    if (const auto* whole = std::get_if<answer::Snapshot>(&answer)) return &whole->changes;
    return std::get_if<answer::Changes>(&answer);
  }
  bool is_stored() const { return changes() != nullptr && changes()->stored; }
  // Of all files that this job has stored.
  Bytes bytes() const {
    const auto* whole = std::get_if<answer::Snapshot>(&answer);
    return (changes() != nullptr ? changes()->bytes : 0) + (whole != nullptr ? whole->bytes : 0);
  }
};

}  // namespace walwrap::replication
