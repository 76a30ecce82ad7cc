// Identifies a replica: `walwrap/identity.json` is written create-only before anything else and
// never changed. Its lineage connects a replica with the state directories of its database. Also
// finds out whether two writers can detect each other in this store.
//
//   identity.json      the replica is  read_identity()  claim_identity()
//   absent             unclaimed       nullopt          writes it, and returns the first writer's
//   the same lineage   known           it               returns it
//   another lineage    foreign         it               returns it: the caller refuses
//   malformed          damaged         Corrupt          Corrupt
//
//   fencing   two writers of one slot     known from
//   NotKnown  -                           no probe was answered yet
//   On        the second one gets Exists  the store, or a refused probe
//   Off       the second one overwrites   a probe that was written twice
//
// {"version": 1, "lineage": "<16 hex digits>"}; readers ignore other fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

struct Identity {
  RandomId lineage;
};

std::string format_identity(const Identity& identity);
Result<Identity> parse_identity(std::string_view text);  // Corrupt

// nullopt: it does not exist (an authenticated answer). Corrupt: it exists and cannot be read.
Result<std::optional<Identity>> read_identity(storage::ObjectStore& store);
// Writes it create-only with `lineage`. The first writer wins, and its identity is returned.
Result<Identity> claim_identity(storage::ObjectStore& store, RandomId lineage);

// Puts `walwrap/probe` create-only although it exists: one request, or two if it did not exist.
// Returns On or Off. A store that already knows whether it can create atomically is not asked.
Result<Fencing> probe_fencing(storage::ObjectStore& store);

}  // namespace walwrap::replication
