// Where the databases and replicas are, and which of these places conflict.
//
// Two names may mean one place: "/x/r" and "file:///x//r/", a linked directory, the default
// endpoint of a store and no endpoint. Two databases in one place, or in places inside each other,
// would read each other's files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replicator.hpp"

namespace walwrap::daemon {

struct Placed {
  os::Path database;             // resolved
  std::optional<os::FileId> id;  // of its file, if it exists
  std::string replica;           // as configured, for people
  // One spelling for each place: "/x/r" for a directory, "s3://host/bucket/prefix" for a store.
  std::string place;
};
Placed place_of(const replication::ReplicatorOptions& options);

// Decides from these facts alone. Errors: Invalid: which two are equal or inside each other, and
// what to write.
Result<void> check_places(std::span<const Placed> all);

// The nearest existing directory, in which a missing path will be created.
os::Path existing_part(os::Path path);

// Whether the directory is on the disk of `root` ("/"), and that disk is deleted with the
// container. A replica in it is lost together with the database. Decided by the type of the file
// system and by the platform's name (supervisor::Platform).
bool is_on_container_disk(const os::Path& directory, const os::Path& root, std::string_view host);

}  // namespace walwrap::daemon
