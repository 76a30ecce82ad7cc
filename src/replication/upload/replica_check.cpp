#include "walwrap/replication/upload/replica_check.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/ltx/format.hpp"
#include "walwrap/replication/replica/fetch.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/replica/stored_file.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kBringBack =
    "put the replica back, and walwrap continues; or stop, and start with --allow-empty-replica to "
    "store a full image in the empty one";
constexpr std::string_view kPutRight =
    "put the right replica back, and walwrap continues; or stop, and set --replica to another "
    "place";
constexpr std::string_view kWaitForSnapshot =
    "no action is needed; walwrap stores a snapshot that replaces them";
constexpr std::string_view kWaitForImage = "no action is needed; walwrap stores a full image";

ReplicaVerdict verdict(ReplicaState state, std::string reason, std::string_view hint) {
  return {.state = state, .reason = std::move(reason), .hint = std::string(hint)};
}
ReplicaVerdict foreign(std::string reason) {
  return verdict(ReplicaState::Foreign, std::move(reason), kPutRight);
}

ReplicaVerdict judge_unstored(const ReplicaSight& sight) {
  if (sight.identity) return {.state = ReplicaState::Ours};
  if (!sight.chain) return {.state = ReplicaState::Undecided};
  if (sight.chain->newest.value > 0 || !sight.chain->foreign_key.empty()) {
    return foreign("the replica was replaced; it holds files that this walwrap did not store");
  }
  return verdict(ReplicaState::Nameless, fmt::format("{} is missing", kIdentityKey), "");
}

ReplicaVerdict judge_present(const ReplicaExpectation& expected, const ReplicaSight& sight) {
  if (sight.slot->node != expected.stored_by) {
    return foreign(
        fmt::format("the replica holds another history: its TXID {} is by writer {}, "
                    "not by {}",
                    expected.txid, sight.slot->node, expected.stored_by));
  }
  if (!sight.slot->damage.empty()) {
    return foreign(fmt::format("the newest upload, TXID {}, differs from what was stored: {}",
                               expected.txid, sight.slot->damage));
  }
  if (!sight.identity) {
    return verdict(ReplicaState::Nameless, fmt::format("{} is missing", kIdentityKey), "");
  }
  if (sight.chain && !sight.chain->gap.empty()) {
    return verdict(ReplicaState::Broken, sight.chain->gap, kWaitForSnapshot);
  }
  if (sight.chain && !sight.chain->front_damage.empty()) {
    return verdict(ReplicaState::Broken, sight.chain->front_damage, kWaitForSnapshot);
  }
  if (!sight.chain && !sight.has_front) return {.state = ReplicaState::Undecided};
  return {.state = ReplicaState::Ours};
}

ReplicaVerdict judge_absent(const ReplicaExpectation& expected, const ReplicaSight& sight) {
  if (!sight.chain) return {.state = ReplicaState::Undecided};
  const ChainSight& chain = *sight.chain;
  if (chain.newest.value == 0 && chain.foreign_key.empty()) {
    return verdict(ReplicaState::Empty,
                   fmt::format("the replica is empty, but TXID {} was stored in it", expected.txid),
                   kBringBack);
  }
  if (!sight.identity) {
    return foreign(fmt::format("the replica was replaced; it has neither {} nor TXID {}",
                               kIdentityKey, expected.txid));
  }
  if (chain.newest.value == 0) {
    return foreign(fmt::format("the replica holds foreign objects: {}", chain.foreign_key));
  }
  const bool is_by_us =
      chain.node && std::ranges::find(expected.writers, *chain.node) != expected.writers.end();
  if (chain.newest >= expected.txid || !is_by_us) {
    return foreign(fmt::format(
        "the replica holds another history: TXID {} is missing, and TXID {} is by another writer",
        expected.txid, chain.newest));
  }
  auto older = verdict(
      ReplicaState::Older,
      fmt::format("the replica has lost uploads; it ends at TXID {}, and TXID {} was stored",
                  chain.newest, expected.txid),
      kWaitForImage);
  older.newest = chain.newest;
  older.node = *chain.node;
  return older;
}

Result<void> look_at_identity(storage::ObjectStore& store, ReplicaSight& sight) {
  auto identity = read_identity(store);
  if (!identity && identity.error().code == Code::Corrupt) {
    sight.identity_damage = identity.error().text;
    return {};
  }
  sight.identity = TRY(std::move(identity));
  return {};
}

Result<SlotSight> read_slot(storage::ObjectStore& store, KeyStyle style,
                            const ReplicaExpectation& expected, const StoredFile& file) {
  const std::string key = file_key(style, file.level, file.txids);
  const auto header = TRY(read_header(store, key));
  const KnownFile* known = expected.slot ? &*expected.slot : nullptr;
  // Nothing is known of another writer's file, or of a file that ends there and is not an upload.
  if (known == nullptr || file.level != kUploadLevel || header.node != expected.stored_by) {
    return SlotSight{.node = header.node};
  }
  ByteVector bytes;
  TRY(fetch_range(store, key, {known->size - ltx::kTrailerBytes, ltx::kTrailerBytes}, bytes));
  const auto trailer = TRY(ltx::parse_trailer(bytes, header).context(key));
  const bool is_same = trailer.file_checksum == known->checksum;
  return SlotSight{.node = header.node, .damage = is_same ? "" : "its checksum differs"};
}

Result<void> look_at_slot_of(storage::ObjectStore& store, KeyStyle style,
                             const ReplicaExpectation& expected, const StoredFile& file,
                             ReplicaSight& sight) {
  auto slot = read_slot(store, style, expected, file);
  if (slot) {
    sight.slot = *std::move(slot);
    return {};
  }
  if (slot.error().code == Code::NotFound) return {};
  if (slot.error().code != Code::Corrupt && slot.error().code != Code::Unsupported) {
    return fail(slot.error());
  }
  sight.slot = SlotSight{.node = expected.stored_by, .damage = slot.error().text};
  return {};
}

// The newest file. If several end there, the upload.
const StoredFile* newest_of(const std::vector<StoredFile>& files) {
  const auto newest = std::ranges::max_element(files, [](const auto& left, const auto& right) {
    if (left.txids.last != right.txids.last) return left.txids.last < right.txids.last;
    return left.level > right.level;
  });
  return newest == files.end() ? nullptr : &*newest;
}

// A restore would read the whole file. This check detects a truncated file and a wrong one.
Result<void> look_at_front(storage::ObjectStore& store, KeyStyle style,
                           const ReplicaExpectation& expected, const StoredFile& front,
                           ChainSight& chain) {
  const auto known = known_of(expected.front, front);
  const auto check = TRY(check_file(store, style, front, known));
  chain.front_damage = check.damage;
  // What is known of the file stays valid when another file replaces it.
  const auto& kept = known ? known : check.found;
  if (check.found) chain.front = KnownFront{front.level, front.txids, *kept};
  return {};
}

// Only a place that is free to read can tell more than the file's size.
Result<bool> is_front_as_known(storage::ObjectStore& store, KeyStyle style,
                               const KnownFront& known) {
  const auto info = store.head(file_key(style, known.level, known.txids));
  if (!info && info.error().code == Code::NotFound) return false;
  if (!info) return fail(info.error());
  if (info->size != known.file.size || style != KeyStyle::Directory) {
    return info->size == known.file.size;
  }
  const StoredFile file{.level = known.level, .txids = known.txids, .size = info->size};
  const auto check = TRY(check_file(store, style, file, known.file));
  return check.damage.empty();
}

Result<void> look_at_chain(storage::ObjectStore& store, KeyStyle style,
                           const ReplicaExpectation& expected, ReplicaSight& sight) {
  const auto listing = TRY(list_newest(store, style));
  ChainSight chain{.newest = extent_of(listing.files).newest, .foreign_key = listing.foreign_key};
  const StoredFile* newest = newest_of(listing.files);
  if (newest == nullptr) {
    sight.chain = std::move(chain);
    return {};
  }
  const auto plan = plan_restore(listing.files, {});
  if (plan) {
    TRY(look_at_front(store, style, expected, plan->files.front(), chain));
  } else {
    chain.gap = plan.error().text;
  }
  // The end of a file of a higher level proves as much as the upload.
  if (!sight.slot && newest->txids.last == expected.txid) {
    TRY(look_at_slot_of(store, style, expected, *newest, sight));
  }
  if (sight.slot) {
    chain.node = sight.slot->node;
    const bool is_upload = newest->level == kUploadLevel && newest->txids.last == expected.txid;
    if (is_upload && expected.slot && newest->size != expected.slot->size) {
      sight.slot->damage =
          fmt::format("it has {} bytes, and {} were stored", newest->size, expected.slot->size);
    }
  } else {
    const auto header = read_header(store, file_key(style, newest->level, newest->txids));
    if (header) chain.node = header->node;
  }
  sight.chain = std::move(chain);
  return {};
}

}  // namespace

ReplicaVerdict judge_replica(const ReplicaExpectation& expected, const ReplicaSight& sight) {
  if (!sight.identity_damage.empty()) {
    return foreign(fmt::format("{} cannot be read: {}", kIdentityKey, sight.identity_damage));
  }
  if (sight.identity && sight.identity->lineage != expected.lineage) {
    return foreign(fmt::format("the replica was replaced; its lineage is {}, not {}",
                               format_hex16(sight.identity->lineage.value),
                               format_hex16(expected.lineage.value)));
  }
  if (expected.txid.value == 0) return judge_unstored(sight);
  return sight.slot ? judge_present(expected, sight) : judge_absent(expected, sight);
}

Result<ReplicaSight> look_at(storage::ObjectStore& store, KeyStyle style,
                             const ReplicaExpectation& expected, LookAt what) {
  ReplicaSight sight;
  TRY(look_at_identity(store, sight));
  if (expected.txid.value > 0) {
    const StoredFile upload{.level = kUploadLevel, .txids = {expected.txid, expected.txid}};
    TRY(look_at_slot_of(store, style, expected, upload, sight));
  }
  if (expected.front && what == LookAt::Newest) {
    sight.has_front = TRY(is_front_as_known(store, style, *expected.front));
  }
  const bool is_told = judge_replica(expected, sight).state != ReplicaState::Undecided;
  if (what == LookAt::Chain || !is_told) TRY(look_at_chain(store, style, expected, sight));
  return sight;
}

Result<void> verify_replica(storage::ObjectStore& store, KeyStyle style,
                            const ReplicaExpectation& expected) {
  const auto sight =
      TRY(look_at(store, style, expected, LookAt::Chain).context("inspect the replica"));
  const auto found = judge_replica(expected, sight);
  if (found.state != ReplicaState::Ours) return fail(Code::Mismatch, "{}", found.reason);
  if (sight.chain && sight.chain->newest != expected.txid) {
    return fail(Code::Mismatch, "the replica ends at TXID {}, not at {}", sight.chain->newest,
                expected.txid);
  }
  return {};
}

}  // namespace walwrap::replication
