#include "walwrap/daemon/places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "walwrap/base/text.hpp"
#include "walwrap/config/quote.hpp"
#include "walwrap/os/resolve.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::daemon {
namespace {

using config::quote_value;

// Inside or equal, by whole path components.
bool is_within(std::string_view inner, std::string_view outer) {
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

// All AWS host names have one name space of buckets.
std::string server_of(std::string_view host) {
  std::string name = lower_case(host);
  constexpr std::array<std::string_view, 2> kAws = {".amazonaws.com", ".amazonaws.com.cn"};
  for (const std::string_view suffix : kAws) {
    if (name.ends_with(suffix)) return std::string(suffix.substr(1));
  }
  return name;
}

Result<void> check_own(const Placed& database, const Placed& replica) {
  const std::string path = database.database.native();
  const std::string state = replication::StateDir::path_for(database.database).native();
  if (is_within(replica.place, state)) {
    return fail(Code::Invalid,
                "replica: {} is in the state directory of {}; use a separate directory",
                quote_value(replica.replica), path);
  }
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    if (!is_within(replica.place, path + std::string(suffix))) continue;
    return fail(Code::Invalid,
                "replica: {} is the database's own file {}{}; use a separate directory",
                quote_value(replica.replica), path, suffix);
  }
  if (is_within(path, replica.place)) {
    return fail(Code::Invalid,
                "replica: {} is the directory of the database {}; use a separate directory, such "
                "as {}/replica",
                quote_value(replica.replica), path, replica.place);
  }
  return {};
}

Result<void> check_pair(const Placed& one, const Placed& other) {
  if (one.database == other.database || (one.id && one.id == other.id)) {
    return fail(Code::Invalid, "db: {} and {} are the same file; name it once",
                quote_value(other.database.native()), quote_value(one.database.native()));
  }
  if (one.place == other.place) {
    return fail(Code::Invalid,
                "replica: {} of {} and {} of {} are the same place; each database needs its own",
                quote_value(other.replica), other.database.native(), quote_value(one.replica),
                one.database.native());
  }
  const bool is_inner = is_within(one.place, other.place);
  if (!is_inner && !is_within(other.place, one.place)) return {};
  const Placed& inner = is_inner ? one : other;
  const Placed& outer = is_inner ? other : one;
  return fail(
      Code::Invalid,
      "replica: {} of {} is inside {} of {}; use separate directories, such as {}/a and {}/b",
      quote_value(inner.replica), inner.database.native(), quote_value(outer.replica),
      outer.database.native(), outer.place, outer.place);
}

}  // namespace

Placed place_of(const replication::ReplicatorOptions& options) {
  const auto& location = options.location;
  Placed placed{.database = options.database, .id = {}, .replica = location.url, .place = {}};
  if (const auto status = os::status_of(options.database)) placed.id = status->id;
  if (location.kind == storage::StoreKind::S3) {
    const auto& target = location.s3;
    placed.place =
        fmt::format("s3://{}/{}/{}", server_of(target.host), target.bucket, target.prefix);
    return placed;
  }
  const auto resolved = os::resolve_path(location.root);
  placed.place =
      resolved ? resolved->native() : os::Path(location.root).lexically_normal().native();
  return placed;
}

Result<void> check_places(std::span<const Placed> all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      TRY(check_pair(all[i], all[j]));
    }
  }
  for (const Placed& database : all) {
    for (const Placed& replica : all) {
      TRY(check_own(database, replica));
    }
  }
  return {};
}

os::Path existing_part(os::Path path) {
  while (!os::exists(path) && path.has_parent_path() && path != path.parent_path()) {
    path = path.parent_path();
  }
  return path;
}

bool is_on_container_disk(const os::Path& directory, const os::Path& root, std::string_view host) {
  // Platforms whose disks are new after each start or deploy, except for volumes.
  constexpr std::array<std::string_view, 6> kNewDisk = {"heroku",  "render",   "fly",
                                                        "railway", "scalingo", "koyeb"};
  const auto there = os::status_of(existing_part(directory));
  const auto base = os::status_of(root);
  if (!there || !base || there->id.device != base->id.device) return false;
  const auto type = os::filesystem_name(root).value_or("");
  return type == "overlay" || type == "aufs" ||
         std::find(kNewDisk.begin(), kNewDisk.end(), host) != kNewDisk.end();
}

}  // namespace walwrap::daemon
