#include "walwrap/replication/boot_sums.hpp"

#include <utility>

#include "walwrap/os/unnamed_file.hpp"

namespace walwrap::replication {
namespace {

// Of all that is stored, of any level.
ReplicaFiles files_of(const ReplicaLook& replica, KeyStyle style) {
  return {.store = *replica.store, .style = style, .files = replica.files};
}

}  // namespace

Result<PageSums> scratch_sums(const os::Path& database) {
  auto file = TRY(os::open_unnamed(os::directory_of(database)));
  return PageSums(std::move(file));
}

Result<PageSums> open_sums_of(const std::optional<SavedState>& state, const StateDir& directory,
                              const ReplicaLook& replica, const Log& log) {
  auto sums = TRY(directory.open_sums());
  if (state && !sums.are_of(state->lineage, state->txid)) {
    if (state->txid.value > 0 && (sums.pages() > 0 || !sums.is_readable())) {
      log.warn("page sums unusable, treated as none",
               {{"txid", state->txid},
                {"cause", sums.is_readable() ? "not of this state, or older than it"
                                             : "damaged, or of another version"}});
    }
    TRY(sums.resize(0));
  }
  if (replica.finding == ReplicaFinding::Present) sums.believe_until(replica.extent.newest);
  return sums;
}

Result<ComparedWithReplica> compare_with_replica(const os::Path& database,
                                                 const ReplicaLook& replica, KeyStyle style,
                                                 PageSums& scratch, const os::Clock& clock) {
  const auto applied = TRY(apply_to_sums(*replica.store, style, replica.plan.files, scratch));
  const StoredSums stored{.sums = scratch, .pages = applied.pages, .newest = replica.plan.reached};
  auto differences = TRY(compare_pages(database, stored, clock));
  return ComparedWithReplica{applied, std::move(differences)};
}

Result<PagesFound> relate_pages(const os::Path& database, const SavedState& state,
                                const PageSums& sums, const ReplicaLook& replica, KeyStyle style,
                                PageSums& scratch, const os::Clock& clock) {
  if (sums.pages() > 0) {
    const StoredSums stored{.sums = sums, .pages = state.pages, .newest = state.txid};
    auto differences = TRY(compare_pages(database, stored, clock));
    return relate_to_newest(std::move(differences), state, sums, replica, style);
  }
  const auto compared = TRY(compare_with_replica(database, replica, style, scratch, clock));
  const auto are =
      TRY(relate(compared.differences, files_of(replica, style), LookFurther::UntilOne));
  return PagesFound{are, compared.differences.holds_newest};
}

}  // namespace walwrap::replication
