#include "walwrap/replication/restore/restore.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory.hpp"
#include "walwrap/os/thread_or_here.hpp"
#include "walwrap/replication/restore/disk_space.hpp"
#include "walwrap/replication/restore/restore_leftovers.hpp"
#include "walwrap/replication/restore/restore_pages.hpp"
#include "walwrap/sqlite/connection.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kQuickCheckLimit = Bytes{1} << 30;  // above it a start would take too long
constexpr std::uint32_t kDatabaseMode = 0644;       // with the umask: as SQLite creates databases

os::Path directory_of(const os::Path& output) {
  const os::Path parent = output.parent_path();
  return parent.empty() ? os::Path(".") : parent;
}

// Removes its file unless the file has become the database.
class TemporaryFile {
 public:
  explicit TemporaryFile(os::Path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    ignore(os::remove_file(path_), "the next restore recognizes its name and removes it");
  }
  const os::Path& path() const { return path_; }

 private:
  os::Path path_;
};

// A foreign -wal next to a restored file would corrupt it, so there must be none.
Result<void> check_absent(const os::Path& output) {
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    os::Path path = output;
    path += suffix;
    const auto status = os::status_of(path);
    if (status) return fail(Code::Exists, "{} exists: it is not overwritten", path.native());
    if (status.error().code != Code::NotFound) return fail(status.error());
  }
  return {};
}

struct Checked {
  std::string unchecked;  // why the check was not made; "": it was made or not needed
};

Result<Checked> check_integrity(const os::Path& path, const RestoreRequest& request, Bytes size) {
  if (request.integrity == Integrity::None) return Checked{};
  if (request.integrity == Integrity::Quick && size > kQuickCheckLimit) {
    return Checked{"larger than the limit of the quick check"};
  }
  auto connection = TRY(sqlite::Connection::open(
      path, {.mode = sqlite::Connection::Mode::Immutable, .busy_timeout = {}, .vfs = nullptr}));
  connection.set_cancel(request.cancelled);
  const std::string pragma =
      request.integrity == Integrity::Full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
  const auto answer = connection.query_text(pragma);
  // The checksums agreed. Only the app can check a schema that needs its own functions or
  // collations, and such a schema is no reason to withhold the data.
  if (!answer && answer.error().code == Code::Io) return Checked{answer.error().text};
  if (!answer) return fail(answer.error());
  if (*answer != "ok") {
    return fail(Code::Corrupt, "the restored database fails {}: {}", pragma, *answer);
  }
  return Checked{};
}

// fsync takes as long as the disk needs. SQLite reads the pages in memory meanwhile.
Result<Checked> sync_and_check(os::File& file, const os::Path& path, const RestoreRequest& request,
                               Bytes size) {
  Result<void> synced;
  Result<Checked> checked = Checked{};
  {
    const os::Thread syncing = os::thread_or_here(
        "sync", [&] { synced = file.sync(); },
        [&](std::string_view what) { synced = fail(Code::Io, "{}", what); });
    checked = check_integrity(path, request, size);
  }
  TRY(std::move(synced));
  return checked;
}

// Gives the file its name, unless the name was taken meanwhile.
Result<void> publish(const os::Path& temporary, const os::Path& output) {
  WW_CHECK(temporary != output && temporary.parent_path() == directory_of(output));
  // A link, because it fails if the name is taken. A rename would replace a database that the app
  // has created meanwhile.
  TRY(check_absent(output));
  auto linked = os::link_new(temporary, output);
  if (!linked &&
      (linked.error().code == Code::Unsupported || linked.error().code == Code::Denied)) {
    linked = os::rename(temporary, output);  // a file system without hard links
  }
  TRY(std::move(linked));
  return os::sync_directory(directory_of(output));
}

Result<Restored> restore_into(const os::Path& temporary, os::File& file,
                              const RestoreRequest& request) {
  const RestoredPages done = TRY(restore_pages(request, file));
  const Bytes size = Bytes{done.pages} * done.page_size.value;
  const Bytes found = TRY(file.size());
  WW_CHECK(done.pages > 0 && found == size);
  const Checked checked = TRY(sync_and_check(file, temporary, request, size));
  if (request.cancelled && request.cancelled()) {
    return fail(Code::Cancelled, "restore: interrupted");
  }
  // The last moment to stop: from here on the file is the database.
  TRY(publish(temporary, request.output));
  return Restored{request.plan.reached, done.page_size, done.pages, done.fetched,
                  checked.unchecked};
}

}  // namespace

Result<Restored> restore_database(const RestoreRequest& request) {
  WW_CHECK(!request.plan.files.empty());
  TRY(check_absent(request.output));
  remove_restore_leftovers(request.output);
  const os::Path directory = directory_of(request.output);
  const os::Path path = directory / temporary_restore_name(request.output, os::random_u64());
  auto opened = os::File::open(path, os::File::Open::CreateNew, kDatabaseMode);
  if (!opened && opened.error().code == Code::NotFound) {
    // NotFound would mean that a stored file was deleted.
    return fail(Code::Invalid, "{} does not exist", directory.native());
  }
  if (!opened) return fail(explain_full_disk(opened.error(), directory));
  auto file = TRY(std::move(opened));
  const TemporaryFile temporary(path);
  ignore(os::try_lock(file), "without locks, its age tells whether it is in use");
  if (request.owner) TRY(file.set_owner(*request.owner));
  auto restored = restore_into(temporary.path(), file, request);
  if (!restored && request.sums != nullptr) {
    ignore(request.sums->resize(0), "without a state, the sums of no database are used");
  }
  if (!restored) return fail(explain_full_disk(restored.error(), directory));
  return restored;
}

}  // namespace walwrap::replication
