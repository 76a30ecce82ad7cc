#include "walwrap/replication/startup/reconnect.hpp"

#include <utility>

#include "walwrap/replication/startup/inspection.hpp"

namespace walwrap::replication {
namespace {

// An edit, as far as known: of the app beside which this replicator was restarted.
constexpr PagesFound kEdited{.are = PagesAre::New, .holds_newest = true};

Failure mismatch(const BootRequest& request, const ReplicaInspection& replica, LocalFinding local,
                 const StartDecision& decision) {
  if (local == LocalFinding::Behind || decision.action == StartAction::CompareFirst) {
    return fail(Code::Mismatch,
                "replica {}: it is newer than the local database was at this start, and the app "
                "has written since; stop, then start while the replica is reachable",
                request.replica);
  }
  return fail(Code::Mismatch, "replica {}: {} {}; stop, then {}", request.replica, decision.reason,
              replica.reason, decision.hint);
}

}  // namespace

Result<std::unique_ptr<storage::ObjectStore>> reconnect(const BootRequest& request,
                                                        const FoundAtStart& found,
                                                        SavedState& state, PageSums& sums) {
  auto replica = inspect_replica(request.open_store, request.cancelled, request.style);
  if (replica.finding == ReplicaFinding::Unreachable) {
    return fail(Code::Unavailable, "{}", replica.reason);
  }
  inspect_slot(state, request.style, replica);
  std::optional<Error> error;
  const auto pages = [&](const auto&) -> std::optional<PagesFound> {
    if (request.app_running) return kEdited;
    if (!found.differences) return std::nullopt;
    const auto related = relate_to_newest(*found.differences, state, sums, replica, request.style);
    if (related) return *related;
    error = related.error();
    return std::nullopt;
  };
  const LocalEvidence evidence{.wal = found.wal,
                               .is_file_known = found.noted || request.app_running,
                               .settled_at = found.settled_at(),
                               .is_unchanged = [] { return false; },
                               .pages = pages,
                               .written = found.written};
  const auto local = classify_local(true, state, replica, evidence);
  if (error) return fail(*error);
  const auto decision = decide_start(local, replica.finding, request.policy);
  if (decision.action == StartAction::StartAndUploadAll) {
    const auto identity = TRY(claim_identity(*replica.store, RandomId{os::random_u64()}));
    SavedState empty;
    empty.lineage = identity.lineage;
    state = empty;
    TRY(sums.resize(0));
  } else if (replica.finding == ReplicaFinding::Empty) {
    // It may return: a volume is mounted, or a directory moved back.
    return fail(Code::Unavailable, "replica {}: {}; stop, then {}", request.replica,
                decision.reason, decision.hint);
  } else if (decision.action != StartAction::StartAndContinue ||
             replica.extent.newest < state.txid) {
    return mismatch(request, replica, local, decision);
  }
  TRY(catch_up(replica, request.style, state, sums));
  sums.believe_until(state.txid);
  state.begin_writer(RandomId{os::random_u64()});
  return std::move(replica.store);
}

}  // namespace walwrap::replication
