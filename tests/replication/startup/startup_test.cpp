#include "walwrap/replication/startup/startup.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::replication;
using testing::has;

namespace {

using Local = LocalFinding;
using Replica = ReplicaFinding;
using Action = StartAction;

std::vector<StartPolicy> all_policies() {
  std::vector<StartPolicy> policies;
  for (const auto side : {OnDiverged::Refuse, OnDiverged::UseReplica, OnDiverged::UseLocal}) {
    for (const bool empty : {false, true}) {
      policies.push_back({.on_diverged = side, .allow_empty_replica = empty});
    }
  }
  return policies;
}

// What the flags turn a refusal into.
enum class Flag { None, AllowEmpty, OnDiverged };

struct StartRow {
  Local local;
  Replica replica;
  Action action;  // without any flag
  Flag flag;
  std::vector<std::string> to_type;  // parts of the advice
};

const std::vector<StartRow>& table() {
  static const std::vector<StartRow> rows = {
      {Local::None, Replica::Empty, Action::StartEmpty, Flag::None, {}},
      {Local::None, Replica::Present, Action::Restore, Flag::None, {}},
      {Local::None, Replica::Unreachable, Action::Retry, Flag::None, {"--start-timeout"}},
      {Local::None,
       Replica::Damaged,
       Action::Refuse,
       Flag::None,
       {"walwrap restore --replica URL"}},

      {Local::Known, Replica::Empty, Action::Refuse, Flag::AllowEmpty, {"--allow-empty-replica"}},
      {Local::Known, Replica::Present, Action::StartAndContinue, Flag::None, {}},
      {Local::Known, Replica::Unreachable, Action::StartUnconnected, Flag::None, {}},
      {Local::Known, Replica::Damaged, Action::Refuse, Flag::None, {"--replica URL"}},

      {Local::Behind, Replica::Empty, Action::Refuse, Flag::None, {"--replica", "-walwrap"}},
      {Local::Behind, Replica::Present, Action::SetAsideAndRestore, Flag::None, {}},
      {Local::Behind, Replica::Unreachable, Action::Refuse, Flag::None, {"--start-timeout"}},
      {Local::Behind, Replica::Damaged, Action::Refuse, Flag::None, {"walwrap restore"}},

      {Local::Unknown, Replica::Empty, Action::StartAndUploadAll, Flag::None, {}},
      {Local::Unknown, Replica::Present, Action::CompareFirst, Flag::None, {}},
      {Local::Unknown, Replica::Unreachable, Action::Retry, Flag::None, {"check that the replica"}},
      {Local::Unknown, Replica::Damaged, Action::Refuse, Flag::None, {"--replica"}},

      {Local::Diverged, Replica::Empty, Action::Refuse, Flag::None, {"--replica", "-walwrap"}},
      {Local::Diverged,
       Replica::Present,
       Action::Refuse,
       Flag::OnDiverged,
       {"--on-diverged=use-replica", "--on-diverged=use-local",
        "walwrap restore --replica URL --output FILE"}},
      {Local::Diverged,
       Replica::Unreachable,
       Action::Refuse,
       Flag::None,
       {"check that the replica"}},
      {Local::Diverged, Replica::Damaged, Action::Refuse, Flag::None, {"--replica"}},
  };
  return rows;
}

Action expected(const StartRow& row, const StartPolicy& policy) {
  if (row.flag == Flag::AllowEmpty && policy.allow_empty_replica) return Action::StartAndUploadAll;
  if (row.flag == Flag::OnDiverged && policy.on_diverged == OnDiverged::UseReplica) {
    return Action::SetAsideAndRestore;
  }
  if (row.flag == Flag::OnDiverged && policy.on_diverged == OnDiverged::UseLocal) {
    return Action::StartAndUploadAll;
  }
  return row.action;
}

}  // namespace

TEST_CASE("every pair of local and replica state has its decision under every policy") {
  REQUIRE(table().size() == 20);
  for (const StartRow& row : table()) {
    CAPTURE(static_cast<int>(row.local));
    CAPTURE(static_cast<int>(row.replica));
    for (const StartPolicy& policy : all_policies()) {
      CAPTURE(static_cast<int>(policy.on_diverged));
      CAPTURE(policy.allow_empty_replica);
      const StartDecision decision = decide_start(row.local, row.replica, policy);
      CHECK(decision.action == expected(row, policy));
      const bool needs_text = decision.action == Action::Refuse || decision.action == Action::Retry;
      CHECK(decision.reason.empty() == !needs_text);
      CHECK(decision.hint.empty() == !needs_text);
    }
  }
}

TEST_CASE("a refusal names the option or command to type") {
  for (const StartRow& row : table()) {
    CAPTURE(static_cast<int>(row.local));
    CAPTURE(static_cast<int>(row.replica));
    const StartDecision decision = decide_start(row.local, row.replica, StartPolicy{});
    CAPTURE(decision.hint);
    for (const std::string& part : row.to_type) CHECK(has(decision.hint, part));
  }
}

TEST_CASE("a database is replaced only if the user asked for it or nothing is lost") {
  for (const StartRow& row : table()) {
    for (const StartPolicy& policy : all_policies()) {
      const Action action = decide_start(row.local, row.replica, policy).action;
      CAPTURE(static_cast<int>(row.local));
      CAPTURE(static_cast<int>(row.replica));
      if (action == Action::Restore) CHECK(row.local == Local::None);
      if (action == Action::SetAsideAndRestore && row.local != Local::Behind) {
        CHECK(policy.on_diverged == OnDiverged::UseReplica);
      }
      if (row.replica == Replica::Damaged) CHECK(action == Action::Refuse);
      if (action == Action::StartEmpty) CHECK(row.replica == Replica::Empty);
    }
  }
}

TEST_CASE("only the user decides between databases that differ without a state") {
  StartPolicy policy;
  policy.allow_empty_replica = true;
  const StartDecision refused = decide_unequal(policy);
  CHECK(refused.action == Action::Refuse);
  CHECK(has(refused.reason, "differs"));
  CHECK(has(refused.hint, "--on-diverged=use-replica"));
  CHECK(has(refused.hint, "--on-diverged=use-local"));

  policy.on_diverged = OnDiverged::UseReplica;
  CHECK(decide_unequal(policy).action == Action::SetAsideAndRestore);
  CHECK(decide_unequal(policy).reason.empty());
  policy.on_diverged = OnDiverged::UseLocal;
  CHECK(decide_unequal(policy).action == Action::StartAndUploadAll);
}
