#include "walwrap/replication/startup/before_handover.hpp"

#include "walwrap/replication/startup/start_retry.hpp"

namespace walwrap::replication {

Result<void> check_same_replica(const BootRequest& request, const SavedState& state,
                                const ReplicaInspection& replica) {
  if (replica.finding == ReplicaFinding::Unreachable) {
    return fail(
        Code::Mismatch,
        "database {}: another walwrap has it and goes on, because this one cannot reach {}: "
        "{}. Correct that, then start again",
        request.database.string(), request.replica, replica.reason);
  }
  if (replica.identity && replica.identity->lineage == state.lineage) return {};
  return fail(Code::Mismatch,
              "database {}: another walwrap has it and goes on, because it does not store into {}. "
              "Set --replica as there, then start again",
              request.database.string(), request.replica);
}

Result<OwnerAnswer> ask_for_handover(const BootRequest& request, const StateDir& directory,
                                     MonoTime give_up, const os::Clock& clock) {
  const auto would = TRY(request.ask_owner(AskFor::Consent));
  if (would == OwnerAnswer::NotThere) return would;
  // The owner saves it again and again, atomically. Without one it has no place in the replica yet.
  const auto state = TRY(directory.load());
  if (state) {
    request.wait_for_store(wait_of_look(Unreached::IsMissed, give_up, clock.mono()));
    const auto replica =
        state->txid.value > 0
            ? inspect_since(state->txid, request.open_store, request.cancelled, request.style)
            : inspect_replica(request.open_store, request.cancelled, request.style,
                              LookFor::NewestState);
    TRY(check_same_replica(request, *state, replica));
  }
  return request.ask_owner(AskFor::Handover);
}

}  // namespace walwrap::replication
