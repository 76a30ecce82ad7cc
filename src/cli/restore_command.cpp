#include "walwrap/cli/restore_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "walwrap/base/human.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/resolve.hpp"
#include "walwrap/os/rights.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/replication/restore/placing.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/startup/set_aside.hpp"
#include "walwrap/replication/upload/store_profile.hpp"
#include "walwrap/storage/stores/open.hpp"

namespace walwrap::cli {
namespace {

using replication::KeyStyle;
using replication::Restored;

// Files may be compacted and deleted between the listing and the fetch. Then both are repeated.
constexpr int kPlans = 3;

// Without progress, requests are repeated for this long (Law 5). The time is short before the first
// answer, to report a wrong URL soon, and longer later, to wait through outages.
constexpr std::chrono::seconds kFirstAnswer{30};
constexpr std::chrono::seconds kNextBytes{300};

// How long a silent store is asked: the time is extended as bytes arrive.
class Deadline {
 public:
  explicit Deadline(const os::Clock& clock)
      : clock_(clock), last_({clock.mono() + kFirstAnswer, 0}) {}

  void on_answer() { last_.set({clock_.mono() + kNextBytes, 0}); }
  void on_progress(Bytes done) {
    if (done != last_.get().done) last_.set({clock_.mono() + kNextBytes, done});
  }
  MonoTime get() const { return last_.get().deadline; }  // any thread may ask

 private:
  struct Last {
    MonoTime deadline;
    Bytes done;
  };
  const os::Clock& clock_;
  os::Published<Last> last_;
};

Result<std::unique_ptr<storage::ObjectStore>> open_existing(
    const storage::Location& location, const storage::Surroundings& surroundings) {
  auto store = TRY(storage::open_store(location, surroundings));
  if (location.kind == storage::StoreKind::File) return store;
  return storage::with_retries(std::move(store), surroundings);
}

Result<replication::RestorePlan> plan(storage::ObjectStore& store, KeyStyle style,
                                      const RestoreArguments& arguments, WallTime now) {
  const bool is_newest = !arguments.txid && !arguments.timestamp;
  const auto listing = TRY(
      (is_newest ? replication::list_newest(store, style) : replication::list_replica(store, style))
          .context("list the replica"));
  if (listing.files.empty() && listing.has_legacy_backup) {
    return fail(Code::Unsupported,
                "{} holds a backup of litestream 0.3, which only litestream 0.3 can restore",
                store.describe());
  }
  if (listing.files.empty()) {
    return fail(Code::NotFound, "{} holds no backup; check the URL", store.describe());
  }
  // A user who gives a TXID has seen the list.
  if (!arguments.txid) {
    TRY(replication::check_legacy_is_older(listing).context(store.describe()));
  }
  replication::RestoreTarget target{.txid = arguments.txid, .before = {}};
  if (arguments.timestamp) target.before = resolve(*arguments.timestamp, now);
  return replication::plan_restore(listing.files, target);
}

// With --force, an existing file is renamed only when the new one is complete.
Result<void> replace(const os::Path& scratch, const os::Path& output,
                     const RestoreSurroundings& surroundings) {
  TRY(replication::set_database_aside(output, "replaced", surroundings.clock.wall(),
                                      surroundings.log)
          .context("set the existing file aside"));
  if (os::is_mount_point(output)) return replication::place_database(scratch, output);
  TRY(os::link_new(scratch, output).context("rename the restored file"));
  TRY(os::remove_file(scratch));
  return os::sync_directory(output.parent_path());
}

Result<Restored> restore(const RestoreArguments& arguments, const storage::Location& location,
                         const RestoreSurroundings& surroundings) {
  const auto style = replication::key_style_of(location.kind);
  // Through links, as SQLite finds it: replacing a link would leave its target behind.
  const os::Path output = TRY(os::resolve_path(arguments.output));
  const bool replaces = arguments.if_present == IfPresent::SetAside;
  if (os::is_mount_point(output) && !replication::is_free_for_restore(output)) {
    return fail(Code::Exists,
                "{} is mounted as a file and is not empty, so it cannot be replaced; restore to "
                "another path, or mount its directory",
                output.string());
  }
  const os::Path scratch =
      replaces ? os::Path(fmt::format("{}.walwrap-new-{:016x}", output.string(), os::random_u64()))
               : output;
  const auto rights = os::rights_at(output);
  Deadline deadline(surroundings.clock);
  const auto around = [&](const replication::Stopped& stopped) {
    return storage::Surroundings{
        .clock = surroundings.clock, .log = surroundings.log, .budget = [&, stopped] {
          return storage::CallBudget{.go_on = !stopped() && !surroundings.cancelled(),
                                     .deadline = deadline.get()};
        }};
  };
  auto store = TRY(open_existing(location, around([] { return false; })));
  Progress progress(surroundings.progress, "restoring", surroundings.clock.mono());
  Result<Restored> restored = fail(Code::NotFound, "nothing was planned");
  for (int tries = 0; tries < kPlans && !restored && restored.error().code == Code::NotFound;
       ++tries) {
    replication::RestoreRequest request;
    request.plan = TRY(plan(*store, style, arguments, surroundings.clock.wall()));
    deadline.on_answer();
    request.style = style;
    request.open_store = [&](const auto& stopped) {
      return open_existing(location, around(stopped));
    };
    request.output = scratch;
    request.integrity = daemon::integrity_of(arguments.integrity);
    request.cancelled = surroundings.cancelled;
    request.on_progress = [&](const replication::RestoreProgress& now) {
      deadline.on_progress(now.done);
      const auto text = progress.on_progress(now.done, now.total, surroundings.clock.mono());
      if (text) surroundings.say(*text);
    };
    restored = replication::restore_database(request);
    if (restored) TRY(os::give_rights(scratch, rights, {}));
    surroundings.say(progress.on_end());
  }
  if (restored && replaces) {
    TRY(replace(scratch, output, surroundings)
            .context(fmt::format("the restored database is complete in {}", scratch.string())));
  }
  return restored;
}

int complain(const RestoreSurroundings& surroundings, std::string_view text, int exit_code) {
  surroundings.say(fmt::format("walwrap restore: {}\n", text));
  return exit_code;
}

}  // namespace

int restore_to_file(const RestoreArguments& arguments, const RestoreSurroundings& surroundings) {
  const auto lookup = daemon::lookup_in(surroundings.environment);
  auto location = storage::parse_location(arguments.replica, lookup);
  if (!location) return complain(surroundings, location.error().text, kExitUsage);
  location->ca_file = daemon::ca_file_of(
      arguments.ca_file.empty() ? lookup("WALWRAP_CA_FILE").value_or("") : arguments.ca_file,
      surroundings.environment);
  if (os::exists(arguments.output)) {
    if (arguments.if_present == IfPresent::Keep) {
      if (!arguments.quiet) {
        surroundings.say(fmt::format("{} exists and was left unchanged\n", arguments.output));
      }
      return 0;
    }
    if (arguments.if_present == IfPresent::Refuse) {
      return complain(
          surroundings,
          fmt::format("{} exists; --force sets it aside first, --if-absent leaves it unchanged",
                      arguments.output),
          kExitNotSo);
    }
  }
  const auto begun = surroundings.clock.mono();
  const auto restored = restore(arguments, *location, surroundings);
  if (!restored) {
    return complain(surroundings, restored.error().text, exit_code_of(restored.error().code));
  }
  if (arguments.quiet) return 0;
  const std::chrono::duration<double> took = surroundings.clock.mono() - begun;
  surroundings.say(
      fmt::format("restored {}: txid {}, {} in {:.1f} s\n", arguments.output, restored->txid,
                  format_bytes(Bytes{restored->pages} * restored->page_size.value), took.count()));
  if (!restored->unchecked.empty()) {
    surroundings.say(fmt::format("integrity not checked: {}\n", restored->unchecked));
  }
  return 0;
}

}  // namespace walwrap::cli
