#include "walwrap/replication/verdict.hpp"

#include <fmt/format.h>

namespace walwrap::replication {
namespace {

Verdict decide_without_database(const EndSight& sight) {
  if (sight.has_left_unstored) {
    return {.outcome = FlushOutcome::Failed,
            .is_final = true,
            .missing = "the database was deleted before its last commits were stored"};
  }
  if (!sight.was_attached && sight.txid.value == 0) {
    return {.outcome = FlushOutcome::Nothing,
            .is_final = true,
            .missing = "no database appeared at this path, so nothing was stored"};
  }
  return {
      .outcome = FlushOutcome::Nothing,
      .is_final = true,
      .missing = fmt::format(
          "the database no longer exists at this path; the replica keeps its last state, TXID {}",
          sight.txid)};
}

// "": every proof is present.
std::string missing_proof(const EndSight& sight) {
  if (!sight.is_file_captured) return "the file at this path is not the captured one";
  if (!sight.is_wal_read) return "the WAL was not read to its end";
  if (!sight.is_stored) return "the time was too short";
  if (sight.is_wal_beyond) return "the WAL holds commits that are not stored";
  return sight.doubt;
}

}  // namespace

Verdict decide_verdict(const EndSight& sight) {
  if (!sight.halted.empty()) {
    return {.outcome = FlushOutcome::Failed, .is_final = true, .missing = sight.halted};
  }
  if (!sight.is_attached && !sight.is_database_there) return decide_without_database(sight);
  if (!sight.is_attached) {
    return {.outcome = FlushOutcome::Failed,
            .is_final = sight.is_hopeless,
            .missing = sight.error.empty() ? "the database could not be opened" : sight.error};
  }
  std::string missing = missing_proof(sight);
  if (missing.empty()) return {.outcome = FlushOutcome::Ok, .is_final = true};
  const bool is_doubt = missing == sight.doubt;
  if (!sight.is_stored && !sight.error.empty()) missing = sight.error;
  // A part is stored and the rest is known. Usually the time was too short.
  const bool is_partial = sight.is_file_captured && !sight.is_stored && sight.error.empty();
  return {.outcome = is_partial ? FlushOutcome::Partial : FlushOutcome::Failed,
          .is_final = is_doubt,
          .missing = std::move(missing)};
}

}  // namespace walwrap::replication
