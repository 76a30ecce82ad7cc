#include "walwrap/replication/startup/boot_sums.hpp"

#include <utility>

#include "walwrap/os/unnamed_file.hpp"

namespace walwrap::replication {
namespace {

// Of all that is stored, of any level.
ReplicaFiles files_of(const ReplicaInspection& replica, KeyStyle style) {
  return {.store = *replica.store, .style = style, .files = replica.files};
}

}  // namespace

Result<PageSums> scratch_sums(const os::Path& database) {
  auto file = TRY(os::open_unnamed(os::directory_of(database)));
  return PageSums(std::move(file));
}

Result<PageSums> open_sums_of(const std::optional<SavedState>& state, const StateDir& directory,
                              const ReplicaInspection& replica, const Log& log) {
  auto sums = TRY(directory.open_sums());
  if (state && !sums.are_of(state->lineage, state->txid)) {
    if (state->txid.value > 0 && (sums.pages() > 0 || !sums.is_readable())) {
      log.warn("page sums unusable; starting without them",
               {{"txid", state->txid},
                {"cause", sums.is_readable() ? "of another state, or older than the state"
                                             : "damaged, or of another version"}});
    }
    TRY(sums.resize(0));
  }
  if (replica.finding == ReplicaFinding::Present) sums.believe_until(replica.extent.newest);
  return sums;
}

Result<ComparedWithReplica> compare_with_replica(const os::Path& database,
                                                 const ReplicaInspection& replica, KeyStyle style,
                                                 PageSums& scratch, const os::Clock& clock,
                                                 std::optional<wal::Position> reaches) {
  const auto applied = TRY(apply_to_sums(*replica.store, style, replica.plan.files, scratch));
  const StoredSums stored{
      .sums = scratch, .pages = applied.pages, .newest = replica.plan.reached, .reaches = reaches};
  auto differences = TRY(compare_pages(database, stored, clock));
  return ComparedWithReplica{applied, std::move(differences)};
}

Result<std::optional<PagesFound>> relate_pages(const os::Path& database, const RelatedTo& to,
                                               PageSums& scratch, const os::Clock& clock) {
  const bool is_reached = to.replica.finding != ReplicaFinding::Unreachable;
  if (to.sums.pages() > 0) {
    const StoredSums stored{.sums = to.sums,
                            .pages = to.state.pages,
                            .newest = to.state.txid,
                            .reaches = to.newest_reaches};
    auto differences = TRY(compare_pages(database, stored, clock));
    if (!is_reached) {
      const auto are = differences.none() ? PagesAre::Equal : PagesAre::New;
      return std::optional(PagesFound{are, differences.holds_newest});
    }
    const auto found =
        TRY(relate_to_newest(std::move(differences), to.state, to.sums, to.replica, to.style));
    return std::optional(found);
  }
  if (!is_reached) return std::optional<PagesFound>();
  const auto compared =
      TRY(compare_with_replica(database, to.replica, to.style, scratch, clock, to.newest_reaches));
  const auto are =
      TRY(relate(compared.differences, files_of(to.replica, to.style), LookFurther::UntilOne));
  return std::optional(PagesFound{are, compared.differences.holds_newest});
}

}  // namespace walwrap::replication
