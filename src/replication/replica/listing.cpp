#include "walwrap/replication/replica/listing.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replica/compaction.hpp"
#include "walwrap/replication/replica/plan.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kLitestreamLease = "lock.json";  // of an optional feature, in S3
// As in a file's header: counting up from a stored TXID never reaches the end of the numbers.
constexpr std::uint64_t kGreatestTxid = (1ULL << 63) - 1;
constexpr int kListings = 4;  // until one is fresh
constexpr std::chrono::milliseconds kListAgain{250};
// walwrap's files end where a file of a higher level ends. A compacted file of another writer may
// begin that much earlier.
constexpr std::uint64_t kMostStraddling = 4096;

std::optional<StoredFile> stored_file(KeyStyle style, const storage::ObjectInfo& object) {
  auto file = parse_key(style, object.key);
  if (!file) return std::nullopt;
  file->size = object.size;
  file->time = object.modified;
  return file;
}

bool is_in_a_level(KeyStyle style, std::string_view key) {
  for (int level = 0; level <= kSnapshotLevel.value; ++level) {
    if (key.starts_with(level_prefix(style, Level{level}))) return true;
  }
  return false;
}

// Corrupt: a file claims a TXID that no writer can have reached.
Result<void> take(const std::vector<storage::ObjectInfo>& objects, KeyStyle style,
                  ReplicaListing& listing) {
  for (const storage::ObjectInfo& object : objects) {
    if (const auto file = stored_file(style, object)) {
      if (file->txids.last.value > kGreatestTxid) {
        return fail(Code::Corrupt, "{} has an impossible TXID; remove it", object.key);
      }
      listing.files.push_back(*file);
    } else if (object.key.starts_with(kLegacyPrefix)) {
      listing.has_legacy_backup = true;
      listing.legacy_newest = std::max(listing.legacy_newest, object.modified);
    } else if (!object.key.starts_with(kOwnPrefix) && object.key != kLitestreamLease &&
               !is_in_a_level(style, object.key) && listing.foreign_key.empty()) {
      listing.foreign_key = object.key;
    }
  }
  return {};
}

Result<void> take_level(storage::ObjectStore& store, KeyStyle style, Level level,
                        const std::string& start_after, ReplicaListing& listing) {
  const auto objects = TRY(store.list(level_prefix(style, level), start_after));
  return take(objects, style, listing);
}

Result<void> check_listing_is_fresh(storage::ObjectStore& store, KeyStyle style,
                                    const std::vector<StoredFile>& files) {
  if (style == KeyStyle::Directory) return {};
  const Txid next = extent_of(files).newest.next();
  const std::string key = file_key(style, kUploadLevel, {next, next});
  // A range of one byte, because a HEAD that finds nothing costs a second request.
  const auto found = store.get(key, {0, 1}, [](ByteSpan /*bytes*/) { return Result<void>(); });
  if (found) return fail(Code::Unavailable, "{} is stored, but the listing does not show it", key);
  if (found.error().code == Code::NotFound) return {};
  return fail(found.error());
}

// `list` adds to its argument. It is called again while its result is stale.
template <typename List>
Result<ReplicaListing> list_until_fresh(storage::ObjectStore& store, KeyStyle style,
                                        const ReplicaListing& known, List list) {
  for (int i = 1;; ++i) {
    ReplicaListing listing = known;
    TRY(list(listing));
    const auto fresh = check_listing_is_fresh(store, style, listing.files);
    if (fresh) return listing;
    if (fresh.error().code != Code::Unavailable || i == kListings) return fail(fresh.error());
    os::pause_for(kListAgain);
  }
}

}  // namespace

Result<ReplicaListing> list_replica(storage::ObjectStore& store, KeyStyle style) {
  // One listing of everything costs no more than one per level, and shows foreign objects as well.
  return list_until_fresh(store, style, {}, [&](ReplicaListing& listing) -> Result<void> {
    const auto objects = TRY(store.list("", ""));
    return take(objects, style, listing);
  });
}

Result<void> check_legacy_is_older(const ReplicaListing& listing) {
  if (listing.files.empty() || !listing.has_legacy_backup) return {};
  const auto newest = std::ranges::max_element(
      listing.files, [](const auto& left, const auto& right) { return left.time < right.time; });
  if (listing.legacy_newest <= newest->time) return {};
  return fail(Code::Unsupported,
              "its backup of litestream 0.3, of {}, is newer than its newest upload, of {}: to "
              "continue from the newer one, restore it with litestream 0.3 and set --replica to "
              "another place; to continue from the older one, move {} to another place",
              format_rfc3339(listing.legacy_newest), format_rfc3339(newest->time), kLegacyPrefix);
}

Result<std::vector<StoredFile>> list_uploads_from(storage::ObjectStore& store, KeyStyle style,
                                                  Txid first) {
  ReplicaListing listing;
  TRY(take_level(store, style, kUploadLevel, key_before(style, kUploadLevel, first), listing));
  return std::move(listing.files);
}

Result<ReplicaListing> list_compacted(storage::ObjectStore& store, KeyStyle style) {
  ReplicaListing listing;
  // The highest compacted level and the levels above it have few files, however long the history
  // is. In a bucket they are one listing.
  if (style == KeyStyle::S3) {
    const auto objects = TRY(store.list("", level_prefix(style, kHighestCompacted)));
    TRY(take(objects, style, listing));
  } else {
    for (Level level = kSnapshotLevel; level >= kHighestCompacted; --level.value) {
      TRY(take_level(store, style, level, "", listing));
    }
  }
  for (Level level{kHighestCompacted.value - 1}; level > kUploadLevel; --level.value) {
    const auto reach = extent_of(listing.files).newest.value;
    const Txid first{reach - std::min(reach, kMostStraddling) + 1};
    TRY(take_level(store, style, level, key_before(style, level, first), listing));
  }
  return listing;
}

Result<ReplicaListing> list_newest(storage::ObjectStore& store, KeyStyle style) {
  if (style == KeyStyle::Directory) return list_replica(store, style);
  const auto first = TRY(store.list_first());
  if (first.are_all) {
    ReplicaListing listing;
    TRY(take(first.objects, style, listing));
    if (check_listing_is_fresh(store, style, listing.files)) return listing;
    return list_replica(store, style);
  }
  auto compacted = TRY(list_compacted(store, style));
  if (compacted.files.empty()) return list_replica(store, style);
  // From the newest upload that they cover, because it shows who writes here.
  const Txid reach = extent_of(compacted.files).newest;
  TRY(take(first.objects, style,
           compacted));  // without a snapshot the chain begins with the first upload
  auto listing =
      TRY(list_until_fresh(store, style, compacted, [&](ReplicaListing& newest) -> Result<void> {
        return take_level(store, style, kUploadLevel, key_before(style, kUploadLevel, reach),
                          newest);
      }));
  if (!plan_restore(listing.files, {})) return list_replica(store, style);
  return listing;
}

}  // namespace walwrap::replication
