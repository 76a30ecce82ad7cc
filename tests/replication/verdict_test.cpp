#include "walwrap/replication/verdict.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace walwrap::replication {
namespace {

EndSight proven() {
  return {.is_database_there = true,
          .was_attached = true,
          .is_attached = true,
          .txid = Txid{7},
          .is_file_captured = true,
          .is_wal_read = true,
          .is_stored = true};
}

TEST_CASE("a flush is ok only with every proof") {
  CHECK(decide_verdict(proven()).outcome == FlushOutcome::Ok);
  CHECK(decide_verdict(proven()).is_final);
  CHECK(decide_verdict(proven()).missing.empty());
  struct Row {
    const char* what;
    std::function<void(EndSight&)> change;
    FlushOutcome outcome;
    bool is_final;
    const char* says;
  };
  using enum FlushOutcome;
  const Row rows[] = {
      {"halted", [](auto& s) { s.halted = "another writer"; }, Failed, true, "another writer"},
      {"another file", [](auto& s) { s.is_file_captured = false; }, Failed, false, "the file at"},
      {"unread", [](auto& s) { s.is_wal_read = false; }, Failed, false, "not read to its end"},
      {"pending", [](auto& s) { s.is_stored = false; }, Partial, false, "too short"},
      {"outage",
       [](auto& s) {
         s.is_stored = false;
         s.error = "the store is away";
       },
       Failed, false, "the store is away"},
      {"beyond", [](auto& s) { s.is_wal_beyond = true; }, Failed, false,
       "commits that are not stored"},
      {"doubt", [](auto& s) { s.doubt = "frames over another file"; }, Failed, true, "frames"},
      {"not attached", [](auto& s) { s.is_attached = false; }, Failed, false, "not be opened"},
      {"not attached, and why",
       [](auto& s) {
         s.is_attached = false;
         s.error = "no descriptors";
       },
       Failed, false, "no descriptors"},
      {"not attached, whatever is tried",
       [](auto& s) {
         s.is_attached = false;
         s.is_hopeless = true;
         s.error = "not a database";
       },
       Failed, true, "not a database"},
      {"deleted", [](auto& s) { s.is_attached = s.is_database_there = false; }, Nothing, true,
       "TXID 0000000000000007"},
      {"deleted too early",
       [](auto& s) {
         s.is_attached = s.is_database_there = false;
         s.has_left_unstored = true;
       },
       Failed, true, "before its last commits"},
      {"never there", [](auto& s) { s = EndSight{}; }, Nothing, true, "no database appeared"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    EndSight sight = proven();
    row.change(sight);
    const Verdict verdict = decide_verdict(sight);
    CHECK(verdict.outcome == row.outcome);
    CHECK(verdict.is_final == row.is_final);
    CHECK_MESSAGE(verdict.missing.find(row.says) != std::string::npos, verdict.missing);
  }
}

}  // namespace
}  // namespace walwrap::replication
