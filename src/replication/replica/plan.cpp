#include "walwrap/replication/replica/plan.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "walwrap/replication/replica/points.hpp"

namespace walwrap::replication {
namespace {

constexpr Txid kNothing{0};

bool is_snapshot(const StoredFile& file) {
  return file.level == kSnapshotLevel;
}

bool is_eligible(const StoredFile& file, const RestoreTarget& target) {
  if (target.txid) return file.txids.last <= *target.txid;
  if (target.before) return file.time < *target.before;
  return true;
}

// Which of two files that both continue the chain to take.
bool is_better(const StoredFile& file, const StoredFile& than) {
  if (file.txids.last != than.txids.last) return file.txids.last > than.txids.last;
  if (file.txids.first != than.txids.first) return file.txids.first < than.txids.first;
  if (file.level != than.level) return file.level > than.level;
  return file.time < than.time;
}

Txid reach_of(const std::vector<StoredFile>& chain) {
  return chain.empty() ? kNothing : chain.back().txids.last;
}

// The chain that reaches furthest. Empty if no file can begin one.
Result<std::vector<StoredFile>> longest_chain(const std::vector<StoredFile>& eligible) {
  std::vector<StoredFile> chain;
  std::vector<const StoredFile*> others;
  const StoredFile* snapshot = nullptr;
  for (const StoredFile& file : eligible) {
    if (!is_snapshot(file)) {
      others.push_back(&file);
    } else if (snapshot == nullptr || is_better(file, *snapshot)) {
      snapshot = &file;
    }
  }
  if (snapshot != nullptr) {
    if (snapshot->txids.first != Txid{1}) {
      return fail(Code::Corrupt, "the newest snapshot is {}: a snapshot must begin at TXID 1",
                  file_name(snapshot->txids));
    }
    chain.push_back(*snapshot);
  }

  std::sort(others.begin(), others.end(), [](const StoredFile* a, const StoredFile* b) {
    return a->txids.first < b->txids.first;
  });
  // Files are offered in order of their start; the best one offered so far continues the chain.
  const StoredFile* best = nullptr;
  auto offered = others.begin();
  while (true) {
    const Txid reach = reach_of(chain);
    for (; offered != others.end() && (*offered)->txids.first <= reach.next(); ++offered) {
      if (best == nullptr || is_better(**offered, *best)) best = *offered;
    }
    if (best == nullptr || best->txids.last <= reach) return chain;
    chain.push_back(*best);
  }
}

bool is_covered(const std::vector<StoredFile>& files, Txid txid) {
  return std::any_of(files.begin(), files.end(), [&](const StoredFile& file) {
    return file.txids.first <= txid && txid <= file.txids.last;
  });
}

// Corrupt if a file of `eligible` lies beyond TXIDs after `reach` that no file of `all` holds. If a
// file holds them, nothing is missing: it only ends after the target.
Result<void> check_no_gap(const std::vector<StoredFile>& all,
                          const std::vector<StoredFile>& eligible, Txid reach) {
  const StoredFile* beyond = nullptr;
  for (const StoredFile& file : eligible) {
    if (is_snapshot(file) || file.txids.first <= reach.next()) continue;
    if (beyond == nullptr || file.txids.first < beyond->txids.first) beyond = &file;
  }
  if (beyond == nullptr || is_covered(all, reach.next())) return {};
  const auto restorable = find_points(all);
  const std::string advice =
      restorable.empty() ? "no TXID can be restored; put the missing files back"
                         : fmt::format("to restore the newest state before the gap, use --txid {}",
                                       restorable.back().txid);
  if (reach == kNothing) {
    return fail(Code::Corrupt, "gap: no file begins at TXID 1, the first one (level {}) is {}; {}",
                beyond->level, file_name(beyond->txids), advice);
  }
  return fail(Code::Corrupt,
              "gap: files reach TXID {}, the next one (level {}) is {}: {} to {} are missing; {}",
              reach, beyond->level, file_name(beyond->txids), reach.next(),
              Txid{beyond->txids.first.value - 1}, advice);
}

Failure no_such_txid(const std::vector<StoredFile>& files, Txid wanted) {
  const auto restorable = find_points(files);
  if (restorable.empty()) {
    return fail(Code::Invalid, "TXID {} cannot be restored, nor can any other", wanted);
  }
  const auto above = std::find_if(restorable.begin(), restorable.end(),
                                  [&](const RestorePoint& point) { return point.txid > wanted; });
  if (above == restorable.end()) {
    return fail(Code::Invalid, "TXID {} is not stored; the newest is --txid {}", wanted,
                restorable.back().txid);
  }
  if (above == restorable.begin()) {
    return fail(Code::Invalid, "TXID {} can no longer be restored; the oldest is --txid {}", wanted,
                restorable.front().txid);
  }
  return fail(Code::Invalid, "TXID {} cannot be restored; the nearest are --txid {} and {}", wanted,
              (above - 1)->txid, above->txid);
}

Failure nothing_before(const std::vector<StoredFile>& files, WallTime time) {
  const auto restorable = find_points(files);
  if (restorable.empty()) {
    return fail(Code::NotFound, "no restorable state was stored before {}", format_rfc3339(time));
  }
  return fail(Code::NotFound,
              "no restorable state was stored before {}; the oldest is "
              "--txid {}, stored at {}",
              format_rfc3339(time), restorable.front().txid,
              format_rfc3339(restorable.front().time));
}

RestorePlan plan_of(std::vector<StoredFile> chain) {
  RestorePlan plan;
  for (const StoredFile& file : chain) {
    WW_CHECK(file.txids.first <= plan.reached.next() && file.txids.last > plan.reached);
    plan.reached = file.txids.last;
    plan.bytes += file.size;
  }
  plan.files = std::move(chain);
  return plan;
}

}  // namespace

Result<RestorePlan> plan_restore(const std::vector<StoredFile>& files,
                                 const RestoreTarget& target) {
  if (target.txid && target.before) {
    return fail(Code::Invalid, "give either a TXID or a time to restore, not both");
  }
  if (files.empty()) return fail(Code::NotFound, "the replica holds no backup");

  std::vector<StoredFile> eligible;
  std::copy_if(files.begin(), files.end(), std::back_inserter(eligible),
               [&](const StoredFile& file) { return is_eligible(file, target); });
  auto chain = TRY(longest_chain(eligible));
  const Txid reach = reach_of(chain);

  if (target.txid) {
    if (reach == *target.txid && !chain.empty()) return plan_of(std::move(chain));
    // A file that ends there without a chain to it means a gap. Otherwise this TXID was never
    // stored.
    const bool is_stored =
        std::any_of(eligible.begin(), eligible.end(),
                    [&](const StoredFile& file) { return file.txids.last == *target.txid; });
    if (is_stored) TRY(check_no_gap(files, eligible, reach));
    return no_such_txid(files, *target.txid);
  }
  TRY(check_no_gap(files, eligible, reach));
  if (chain.empty() && target.before) return nothing_before(files, *target.before);
  WW_CHECK(!chain.empty());
  return plan_of(std::move(chain));
}

ReplicaExtent extent_of(const std::vector<StoredFile>& files) {
  ReplicaExtent extent;
  for (const StoredFile& file : files) {
    extent.newest = std::max(extent.newest, file.txids.last);
    if (file.level == kUploadLevel) {
      extent.newest_upload = std::max(extent.newest_upload, file.txids.last);
    }
  }
  return extent;
}

}  // namespace walwrap::replication
