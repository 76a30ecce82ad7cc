// Whose replica this is: `walwrap/identity.json`, written create-only before anything else and
// never changed. Its lineage ties a replica to the state directories of its database. And whether
// the store lets two writers notice each other.
//
//   identity.json      the replica is  read_identity()  claim_identity()
//   absent             unclaimed       nullopt          writes it, and returns the first writer's
//   our lineage        ours            it               returns it
//   another lineage    foreign         it               returns it: the caller refuses
//   not to be parsed   damaged         Corrupt          Corrupt
//
//   fencing   two writers of one slot     known from
//   NotKnown  -                           no probe was answered yet
//   On        the second one gets Exists  the store, or a probe that was refused
//   Off       the second one overwrites   a probe that was written twice
//
// {"version": 1, "lineage": "<16 hex digits>"}; readers ignore what else may stand in it.
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

// nullopt: there is none (an authenticated answer). Corrupt: there is, and it cannot be read.
Result<std::optional<Identity>> read_identity(storage::ObjectStore& store);
// Writes it, create-only, with `lineage`; the first writer wins, and its identity is returned.
Result<Identity> claim_identity(storage::ObjectStore& store, RandomId lineage);

// Creates `walwrap/probe` though it is there: one request, or two where it was not. On or Off. A
// store that knows by then what keeps two from creating one name is not asked.
Result<Fencing> probe_fencing(storage::ObjectStore& store);

}  // namespace walwrap::replication
