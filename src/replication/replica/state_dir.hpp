// The directory of the state: ".<db>-walwrap/" (0700) beside the database. Owned by one thread.
//
// With --user, root works here in a directory to which the app's user can write. So everything goes
// through os::Directory, which follows no link and trusts no file of another user.
#pragma once

#include <optional>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/os/directory.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/state.hpp"

namespace walwrap::replication {

class StateDir {
 public:
  static os::Path path_for(const os::Path& database);
  // Creates the directory if it does not exist. New files in it belong to `owner`, if given, and so
  // do new directories above it for the database.
  static Result<StateDir> open(const os::Path& database,
                               const std::optional<os::FileOwner>& owner = {});

  // nullopt: there is no state. Corrupt: there is one, and it cannot be used.
  Result<std::optional<SavedState>> load() const;
  Result<void> save(const SavedState& state);  // call PageSums::sync() first
  Result<void> forget();                       // removes state, pages and the file note
  Result<PageSums> open_sums() const;
  // See file_note.hpp.
  Result<ByteVector> read_note(Bytes limit) const;
  Result<os::HeldFile> open_note() const;  // replaces anything else with its name

 private:
  StateDir(os::Path path, const std::optional<os::FileOwner>& owner)
      : path_(std::move(path)), owner_(owner) {}
  Result<os::Directory> held() const;
  os::Path path_;
  std::optional<os::FileOwner> owner_;
};

}  // namespace walwrap::replication
