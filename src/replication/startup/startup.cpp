#include "walwrap/replication/startup/startup.hpp"

#include <array>
#include <cstddef>
#include <string_view>

#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

// Which part of the policy may replace the refusal in a cell.
enum class Unless { Never, EmptyAllowed, SideChosen };

struct Cell {
  StartAction action = StartAction::Refuse;
  Unless unless = Unless::Never;
  std::string_view reason = {};
  std::string_view hint = {};
};

constexpr std::size_t kLocals = 5;
constexpr std::size_t kReplicas = 4;

constexpr std::string_view kUnreachable =
    "the replica is unreachable or denies access, so it is unknown whether it holds this database";
constexpr std::string_view kCheckReach =
    "check that the replica is readable; --start-timeout sets how long to wait for it";
constexpr std::string_view kChooseSide =
    "compare: walwrap restore --replica URL --output FILE; then start with "
    "--on-diverged=use-replica (the local file is kept under another name) or "
    "--on-diverged=use-local (the next upload is a full image of it)";
constexpr std::string_view kRepair =
    "walwrap restore --replica URL --output FILE "
    "--txid HEX16 restores what is intact; then set --replica to an empty place";
constexpr std::string_view kNewHistory =
    "check --replica; to begin a new history from the local file, move its state directory "
    "(.NAME-walwrap beside it) to another place";

constexpr Cell refuse(Unless unless, std::string_view reason, std::string_view hint) {
  return {StartAction::Refuse, unless, reason, hint};
}
constexpr Cell go(StartAction action) {
  return {action, Unless::Never, {}, {}};
}

// Rows: LocalFinding, columns: ReplicaFinding, both in the order of their enumerators.
constexpr std::array<std::array<Cell, kReplicas>, kLocals> kTable = {{
    {{
        // None
        go(StartAction::StartEmpty),
        go(StartAction::Restore),
        {StartAction::Retry, Unless::Never,
         "the database does not exist here, and the replica is unreachable or denies access: "
         "starting now could create an empty database beside a full backup",
         kCheckReach},
        refuse(Unless::Never,
               "the database does not exist here, and the replica holds damaged or foreign "
               "objects, so it cannot be restored completely",
               kRepair),
    }},
    {{
        // Known
        refuse(Unless::EmptyAllowed,
               "the replica is empty, but this database was stored in it: it was deleted, or "
               "--replica names another place",
               "check --replica; --allow-empty-replica stores a full image in the empty one"),
        go(StartAction::StartAndContinue),
        go(StartAction::StartUnconnected),
        refuse(Unless::Never,
               "the replica holds damaged or foreign objects: walwrap adds nothing to a replica it "
               "could not restore",
               kRepair),
    }},
    {{
        // Behind
        refuse(Unless::Never,
               "the local database is older than what was stored, and the replica is empty: the "
               "newer state would be lost",
               kNewHistory),
        go(StartAction::SetAsideAndRestore),
        refuse(Unless::Never,
               "the local database is older than what was stored, and the replica is unreachable "
               "or denies access",
               kCheckReach),
        refuse(Unless::Never,
               "the local database is older than what was stored, and the replica holds damaged or "
               "foreign objects",
               kRepair),
    }},
    {{
        // Unknown
        go(StartAction::StartAndUploadAll),
        go(StartAction::CompareFirst),
        {StartAction::Retry, Unless::Never, kUnreachable, kCheckReach},
        refuse(Unless::Never,
               "the replica holds damaged or foreign objects, and it is unknown whether they "
               "belong to this database",
               "set --replica to an empty place"),
    }},
    {{
        // Diverged
        refuse(
            Unless::Never,
            "the local database and the replica have different histories, and the replica is empty",
            kNewHistory),
        refuse(Unless::SideChosen,
               "the local database and the replica have diverged: each holds changes that the "
               "other does not",
               kChooseSide),
        refuse(Unless::Never,
               "the local database and the replica have different histories, and the replica is "
               "unreachable or denies access",
               "check that the replica is readable, and check --replica"),
        refuse(Unless::Never,
               "the local database and the replica have different histories, and the replica holds "
               "damaged or foreign objects",
               kRepair),
    }},
}};

// The action that the policy allows instead of a refusal. Refuse if it allows none.
StartAction allowed_instead(Unless unless, const StartPolicy& policy) {
  switch (unless) {
    case Unless::Never:
      return StartAction::Refuse;
    case Unless::EmptyAllowed:
      return policy.allow_empty_replica ? StartAction::StartAndUploadAll : StartAction::Refuse;
    case Unless::SideChosen:
      switch (policy.on_diverged) {
        case OnDiverged::Refuse:
          return StartAction::Refuse;
        case OnDiverged::UseReplica:
          return StartAction::SetAsideAndRestore;
        case OnDiverged::UseLocal:
          return StartAction::StartAndUploadAll;
      }
  }
  WW_CHECK(false);
  return StartAction::Refuse;
}

StartDecision decide(const Cell& cell, const StartPolicy& policy) {
  if (cell.action == StartAction::Refuse) {
    const StartAction instead = allowed_instead(cell.unless, policy);
    if (instead != StartAction::Refuse) return {.action = instead, .reason = {}, .hint = {}};
  }
  return {
      .action = cell.action, .reason = std::string(cell.reason), .hint = std::string(cell.hint)};
}

}  // namespace

StartDecision decide_start(LocalFinding local, ReplicaFinding replica, const StartPolicy& policy) {
  const auto row = static_cast<std::size_t>(local);
  const auto column = static_cast<std::size_t>(replica);
  WW_CHECK(row < kLocals && column < kReplicas);
  return decide(kTable[row][column], policy);
}

StartDecision decide_unequal(const StartPolicy& policy) {
  static constexpr Cell kUnequal = refuse(
      Unless::SideChosen,
      "the local database differs from the replica, and no state file relates them", kChooseSide);
  return decide(kUnequal, policy);
}

}  // namespace walwrap::replication
