#include "walwrap/replication/startup/boot.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/os/new_directories.hpp"
#include "walwrap/os/resolve.hpp"
#include "walwrap/os/rights.hpp"
#include "walwrap/replication/restore/disk_space.hpp"
#include "walwrap/replication/restore/placing.hpp"
#include "walwrap/replication/restore/restore_leftovers.hpp"
#include "walwrap/replication/startup/before_handover.hpp"
#include "walwrap/replication/startup/boot_checks.hpp"
#include "walwrap/replication/startup/boot_directory.hpp"
#include "walwrap/replication/startup/boot_restore.hpp"
#include "walwrap/replication/startup/boot_sums.hpp"
#include "walwrap/replication/startup/boot_wait.hpp"
#include "walwrap/replication/startup/inspection.hpp"
#include "walwrap/replication/startup/set_aside.hpp"
#include "walwrap/sqlite/still_database.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

SavedState new_state(RandomId lineage, Txid txid, RandomId stored_by, PageSize page_size,
                     std::uint32_t pages) {
  SavedState state;
  state.lineage = lineage;
  state.txid = txid;
  state.stored_by = stored_by;
  state.page_size = page_size;
  state.pages = pages;
  return state;
}

// One start, from the first inspection to the chain. Its members are what the steps share. Until
// the decision to start the app, nothing on the disk and in the replica is changed.
class Boot {
 public:
  Boot(const BootRequest& request, const os::Clock& clock, const Log& log)
      : request_(request),
        clock_(clock),
        log_(log),
        directory_(request.database, request.owner),
        wait_(request, clock, log) {}

  Result<Booted> run();

 private:
  Result<Booted> attempt();
  StartDecision decide();
  StartDecision decide_despite_gap(const StartDecision& refusal);
  StartDecision look_and_decide(std::optional<Txid> since);
  Result<Booted> perform(const StartDecision& decision);
  Result<Booted> perform_while_app_runs(const StartDecision& decision);
  Result<Booted> start_chain(Txid txid);
  Result<Booted> continue_chain();
  Result<Booted> start_unconnected();
  Result<Booted> restore(std::string_view aside_reason);
  Result<Booted> adopt_restored(const Restored& done, const PageSums& sums, const os::Path& file,
                                std::string_view aside_reason);
  Result<Booted> compare();
  Result<Booted> finish(SavedState state, PageSums sums);
  Result<void> check_nothing_changed() const;
  Result<void> claim();
  bool database_exists() const;
  bool is_known() const;
  Result<bool> is_unchanged() const;
  Result<PageSums> sums_to_look() const;
  Result<std::optional<PagesFound>> relate_to_replica(
      const std::optional<wal::Position>& after) const;
  LocalEvidence evidence();
  void say_behind() const;
  Failure refusal(const StartDecision& decision) const;

  const BootRequest& request_;
  const os::Clock& clock_;
  const Log& log_;
  BootDirectory directory_;
  BootWait wait_;
  std::optional<SavedState> state_;
  FoundFile database_;  // as found for the decision
  FoundAtStart found_;
  ReplicaInspection replica_;
  std::optional<Error> look_error_;  // why the evidence could not be read
  bool mends_ = false;  // a gap in the replica, if the local database continues its end
  bool emptied_ = false;
  bool is_other_file_ = false;  // not the file to which its WAL belongs
};

Result<Booted> Boot::run() {
  while (true) {
    if (request_.cancelled()) return fail(Code::Cancelled, "stopped during the start");
    auto attempted = attempt();
    if (attempted) return attempted;
    // An unfinished first transaction was rolled back: there is no database.
    const bool is_emptied = attempted.error().code == Code::NotFound && !database_exists();
    if (is_emptied && !std::exchange(emptied_, true)) continue;
    TRY(wait_.after(explain_full_disk(attempted.error(), os::directory_of(request_.database))));
  }
}

Result<Booted> Boot::attempt() {
  const auto pause = [this](milliseconds length) { return wait_.pause(length); };
  const std::function<Result<OwnerAnswer>()> ask = [this] {
    return ask_for_handover(request_, directory_.get(), wait_.give_up(), clock_);
  };
  TRY(directory_.open_existing({.database = request_.database,
                                .give_up = wait_.give_up(),
                                .pause = pause,
                                .ask_owner = request_.ask_owner ? ask : nullptr,
                                .handover_timeout = request_.handover_timeout},
                               clock_, log_));
  Result<std::optional<SavedState>> loaded = std::optional<SavedState>();
  if (directory_.is_open()) loaded = directory_.get().load();
  if (!loaded && loaded.error().code == Code::Corrupt) {
    log_.warn("state unusable; starting without it", {{"cause", loaded.error().text}});
    loaded = std::optional<SavedState>();
  }
  state_ = TRY(std::move(loaded).context("load the state"));
  found_ = {};
  mends_ = false;
  look_error_.reset();
  is_other_file_ = false;
  if (const auto file = find_file(request_.database)) found_.written = file->modified;
  if (state_) {
    found_.wal = TRY(read_wal_commits(request_.database));
    found_.noted = noted_file(request_.database, directory_.get());
  }
  const auto decision = decide();
  database_ = find_file(request_.database);
  if (look_error_) return fail(*look_error_);
  if (request_.cancelled()) return fail(Code::Cancelled, "stopped during the start");
  return request_.app_running ? perform_while_app_runs(decision) : perform(decision);
}

bool Boot::is_known() const {
  return state_ && state_->txid.value > 0 && database_exists();
}

// A bucket may hold a hundred thousand uploads, so only the new ones are listed at first.
StartDecision Boot::decide() {
  if (is_known() && request_.style == KeyStyle::S3) {
    auto decision = look_and_decide(state_->txid);
    const bool is_settled = decision.action == StartAction::StartAndContinue ||
                            replica_.finding == ReplicaFinding::Unreachable;
    if (is_settled || request_.cancelled()) return decision;
  }
  const auto decision = look_and_decide(std::nullopt);
  return replica_.has_gap && is_known() ? decide_despite_gap(decision) : decision;
}

// A replica that cannot be restored completely is refused, except where a snapshot repairs it at
// once: its newest uploads are this disk's, and the local database continues them.
StartDecision Boot::decide_despite_gap(const StartDecision& refusal) {
  ReplicaInspection whole = std::move(replica_);
  mends_ = true;
  auto decision = look_and_decide(state_->txid);
  if (decision.action == StartAction::StartAndContinue) {
    log_.warn("files of the replica are missing or damaged; storing a snapshot",
              {{"db", request_.database.string()}, {"cause", whole.reason}});
    replica_.has_gap = true;
    return decision;
  }
  replica_ = std::move(whole);
  return refusal;
}

StartDecision Boot::look_and_decide(std::optional<Txid> since) {
  const auto unreached =
      is_known() || request_.app_running ? Unreached::IsMissed : Unreached::IsRefused;
  request_.wait_for_store(wait_of_look(unreached, wait_.give_up(), clock_.mono()));
  // Other stored data matters only to a database with a history.
  const auto what = state_ || database_exists() ? LookFor::Everything : LookFor::NewestState;
  replica_ = since ? inspect_since(*since, request_.open_store, request_.cancelled, request_.style)
                   : inspect_replica(request_.open_store, request_.cancelled, request_.style, what);
  if (state_) {
    inspect_slot(*state_, request_.style, replica_);
    inspect_ends(*state_, request_.style, replica_);
  }
  request_.wait_for_store(wait_of_restore(wait_.give_up(), clock_.mono()));
  LocalFinding local = classify_local(database_exists(), state_, replica_, evidence());
  // A damaged database may hold data that the replica does not have.
  if (!request_.damage.empty()) local = LocalFinding::Diverged;
  auto decision = decide_start(local, replica_.finding, request_.policy);
  if (local == LocalFinding::Behind && replica_.is_whole) say_behind();
  return decision;
}

// Reading the whole database is done only if it decides, and only with the complete replica.
LocalEvidence Boot::evidence() {
  const auto noted = [this](const auto& result) {
    if (!result) look_error_ = result.error();
    return result.has_value();
  };
  const auto is_unchanged_now = [this, noted] {
    if (!replica_.is_whole || request_.app_running) return false;
    const auto unchanged = is_unchanged();
    return noted(unchanged) && *unchanged;
  };
  const auto pages =
      [this, noted](const std::optional<wal::Position>& after) -> std::optional<PagesFound> {
    // Beside a running app nothing was lost: the differences are the app's own.
    if (request_.app_running) return PagesFound{.are = PagesAre::New, .holds_newest = true};
    if (!replica_.is_whole && !mends_) return std::nullopt;
    const auto found = relate_to_replica(after);
    if (!noted(found)) return std::nullopt;
    is_other_file_ = after && *found && (*found)->are != PagesAre::Equal;
    return *found;
  };
  return {.wal = found_.wal,
          .is_file_known = found_.noted || request_.app_running,
          .settled_at = found_.settled_at(),
          .is_unchanged = is_unchanged_now,
          .pages = pages,
          .written = found_.written};
}

Result<std::optional<PagesFound>> Boot::relate_to_replica(
    const std::optional<wal::Position>& after) const {
  const auto sums = TRY(sums_to_look());
  auto scratch = TRY(scratch_sums(request_.database));
  return relate_pages(request_.database, {*state_, sums, replica_, request_.style, after}, scratch,
                      clock_);
}

void Boot::say_behind() const {
  log_.warn("the local database is older than the replica",
            {{"db", request_.database.string()},
             {"state_txid", state_->txid},
             {"stored_txid", replica_.extent.newest},
             {"cause", why_behind(*state_, replica_, found_.wal)}});
}

Failure Boot::refusal(const StartDecision& decision) const {
  std::string found = replica_.reason.empty() ? "" : fmt::format(" ({})", replica_.reason);
  if (!request_.damage.empty()) found = fmt::format(" (it is damaged: {})", request_.damage);
  if (is_other_file_ && found.empty()) found = fmt::format(" ({})", kOtherFile);
  return fail(Code::Mismatch, "database {}, replica {}: {}{}; {}", request_.database.string(),
              request_.replica, decision.reason, found, decision.hint);
}

Result<Booted> Boot::perform(const StartDecision& decision) {
  const bool starts =
      decision.action != StartAction::Retry && decision.action != StartAction::Refuse;
  // Before any change: a start that is refused for a lock has changed nothing.
  if (starts && !request_.app_running && database_exists()) {
    TRY(sqlite::check_attachable(request_.database));
  }
  const bool goes_on = decision.action == StartAction::StartAndUploadAll ||
                       decision.action == StartAction::StartAndContinue ||
                       decision.action == StartAction::StartUnconnected;
  if (goes_on) {
    const auto refused = other_page_size(request_.database, replica_, state_);
    if (refused) return refusal(*refused);
  }
  switch (decision.action) {
    case StartAction::StartEmpty:
    case StartAction::StartAndUploadAll:
      TRY(claim());
      return start_chain(replica_.extent.newest);
    case StartAction::StartAndContinue:
      return continue_chain();
    case StartAction::StartUnconnected:
      return start_unconnected();
    case StartAction::SetAsideAndRestore:
      return restore("replaced");
    case StartAction::Restore:
      return restore("leftover");
    case StartAction::CompareFirst:
      return compare();
    case StartAction::Retry:
      return fail(replica_.code, "{}", refusal(decision).error.text);
    case StartAction::Refuse:
      break;
  }
  return refusal(decision);
}

// A replicator that restarts beside a running app never replaces the database file, and waits for
// an unreachable replica.
Result<Booted> Boot::perform_while_app_runs(const StartDecision& decision) {
  switch (decision.action) {
    case StartAction::StartEmpty:
    case StartAction::StartAndUploadAll:
    case StartAction::StartAndContinue:
    case StartAction::StartUnconnected:
      return perform(decision);
    case StartAction::Retry:
      return start_unconnected();
    default:
      return fail(Code::Mismatch, "cannot be done while the app runs: {}",
                  refusal(decision).error.text);
  }
}

bool Boot::database_exists() const {
  // SQLite creates an empty file for a database that was opened and never written.
  return os::exists(request_.database) && !is_free_for_restore(request_.database);
}

// A missing replica is not created.
Result<PageSums> Boot::sums_to_look() const {
  const bool is_there =
      directory_.is_open() && os::exists(StateDir::path_for(request_.database) / "pages");
  return is_there ? open_sums_of(state_, directory_.get(), replica_, log_)
                  : scratch_sums(request_.database);
}

Result<bool> Boot::is_unchanged() const {
  const auto sums = TRY(sums_to_look());
  return equals_sums(request_.database, sums, state_->pages, clock_);
}

Result<void> Boot::claim() {
  const RandomId lineage{state_ && state_->txid.value == 0 ? state_->lineage.value
                                                           : os::random_u64()};
  const auto claimed = claim_identity(*replica_.store, lineage);
  if (!claimed) {
    const Code code = claimed.error().code;
    return fail(code == Code::Denied ? code : Code::Unavailable,
                "database {}, replica {}: it is not writable: {}", request_.database.string(),
                request_.replica, claimed.error().text);
  }
  replica_.identity = *claimed;
  return {};
}

// The next upload is a full image, because nothing is known about the pages.
Result<Booted> Boot::start_chain(Txid txid) {
  TRY(directory_.own());
  auto sums = TRY(open_sums_of(state_, directory_.get(), replica_, log_));
  TRY(sums.resize(0));
  const PageSize page_size = txid.value > 0 ? replica_.newest.page_size : PageSize{};
  return finish(new_state(replica_.identity->lineage, txid, replica_.newest.node, page_size, 0),
                std::move(sums));
}

Result<Booted> Boot::continue_chain() {
  TRY(directory_.own());
  auto sums = TRY(open_sums_of(state_, directory_.get(), replica_, log_));
  SavedState state = *state_;
  if (replica_.extent.newest < state.txid) {
    log_.warn("replica has lost uploads, storing a full image",
              {{"stored", state.txid}, {"found", replica_.extent.newest}});
    return start_chain(replica_.extent.newest);
  }
  // Of the newest state or of none: a position belongs to its own state only.
  const auto reach = reach_of_newest(state, replica_, found_.wal);
  state.clean = state.clean && replica_.extent.newest == state.txid;
  TRY(catch_up(replica_, request_.style, state, sums));
  // Beside a running app the file was not compared.
  state.wal = request_.app_running && !found_.noted ? std::nullopt : reach.proven;
  auto booted = TRY(finish(state, std::move(sums)));
  booted.is_content_open = is_content_open(found_, reach.reach);
  return booted;
}

Result<Booted> Boot::start_unconnected() {
  TRY(directory_.own());
  auto sums = TRY(open_sums_of(state_, directory_.get(), replica_, log_));
  log_.warn("the replica is unreachable; starting without it",
            {{"db", request_.database.string()}, {"cause", replica_.reason}});
  // The state and its writer are kept. What it has stored is settled when the replica is reached.
  Booted booted{
      .directory = directory_.get(), .sums = std::move(sums), .state = {}, .store = nullptr};
  if (state_) booted.state = *state_;
  // The app starts after this, so the evidence of being behind is read now.
  const auto reach = reach_of_newest(booted.state, replica_, found_.wal);
  const bool is_told =
      !state_ || (found_.noted && (state_->clean || reach.reach != Reach::Unproven));
  booted.is_content_open = is_content_open(found_, reach.reach);
  booted.found = std::move(found_);
  if (!is_told && !request_.app_running && booted.sums.pages() > 0) {
    booted.found.differences = TRY(compare_pages(request_.database,
                                                 {.sums = booted.sums,
                                                  .pages = state_->pages,
                                                  .newest = state_->txid,
                                                  .reaches = reach.proven},
                                                 clock_));
  }
  booted.lock = directory_.take_lock();
  return booted;
}

// With its own sums: those beside the state do not change before the decision.
Result<Booted> Boot::compare() {
  auto scratch = TRY(scratch_sums(request_.database));
  const auto [applied, differences] =
      TRY(compare_with_replica(request_.database, replica_, request_.style, scratch, clock_));
  TRY(check_nothing_changed());
  if (differences.none()) {
    TRY(claim());
    auto kept = TRY(directory_.keep_sums(scratch));
    return finish(new_state(replica_.identity->lineage, replica_.plan.reached, applied.writer,
                            applied.page_size, applied.pages),
                  std::move(kept));
  }
  if (!state_ || state_->txid.value == 0) return perform(decide_unequal(request_.policy));
  const auto are = TRY(relate(
      differences, {.store = *replica_.store, .style = request_.style, .files = replica_.files},
      LookFurther::UntilAll));
  const bool is_behind = are == PagesAre::Older;
  if (is_behind) say_behind();
  return perform(decide_start(is_behind ? LocalFinding::Behind : LocalFinding::Diverged,
                              ReplicaFinding::Present, request_.policy));
}

// A comparison and a restore take time, and their result was decided before.
Result<void> Boot::check_nothing_changed() const {
  return replication::check_nothing_changed(request_.database, database_, replica_, request_.style);
}

Result<Booted> Boot::finish(SavedState state, PageSums sums) {
  if (state_ && state_->lineage == state.lineage) {
    state.writer = state_->writer;
    state.earlier_writers = state_->earlier_writers;
  }
  if (replica_.front) state.front = replica_.front;
  state.begin_writer(RandomId{os::random_u64()});
  state.saved = clock_.wall();
  sums.believe_until(state.txid);
  TRY(sums.sync(state.lineage, state.txid));
  TRY(directory_.get().save(state).context("save the state"));
  return Booted{.directory = directory_.get(),
                .sums = std::move(sums),
                .state = state,
                .store = std::move(replica_.store),
                .lock = directory_.take_lock(),
                .has_gap = replica_.has_gap};
}

// Complete and checked under another name first: until then the local files do not change.
Result<Booted> Boot::restore(std::string_view aside_reason) {
  if (os::is_mount_point(request_.database) && database_exists()) {
    return fail(
        Code::Mismatch,
        "database {} is mounted as a file, so it cannot be replaced by the replica's state; "
        "mount its directory instead, or empty the file",
        request_.database.string());
  }
  if (remove_restore_leftovers(request_.database) > 0) {  // before their space is needed
    log_.warn("removed the files of a killed restore", {{"db", request_.database.string()}});
  }
  auto parents = TRY(os::NewDirectories::make(os::directory_of(request_.database),
                                              kDatabaseDirectory, request_.owner));
  const Incoming incoming(request_.database);
  const auto rights = os::rights_at(request_.database);
  auto sums = TRY(scratch_sums(request_.database));
  const MonoTime begun = clock_.mono();
  auto restored = restore_beside(
      {.request = request_,
       .plan = replica_.plan,
       .output = incoming.path(),
       .sums = sums,
       .on_progress =
           [this] { request_.wait_for_store(wait_of_restore(wait_.give_up(), clock_.mono())); }},
      clock_, log_);
  if (!restored && restored.error().code == Code::Corrupt) {
    replica_.reason = restored.error().text;
    return refusal(decide_start(LocalFinding::None, ReplicaFinding::Damaged, request_.policy));
  }
  const Restored done = TRY(std::move(restored).context("restore"));
  TRY(os::give_rights(incoming.path(), rights, request_.owner));
  auto booted = TRY(adopt_restored(done, sums, incoming.path(), aside_reason));
  parents.keep();
  const auto took = std::chrono::duration_cast<milliseconds>(clock_.mono() - begun);
  log_.info("database restored", {{"db", request_.database.string()},
                                  {"txid", done.txid},
                                  {"bytes", Bytes{done.pages} * done.page_size.value},
                                  {"took_ms", took.count()}});
  booted.restored_in = took;
  return booted;
}

Result<Booted> Boot::adopt_restored(const Restored& done, const PageSums& sums,
                                    const os::Path& file, std::string_view aside_reason) {
  TRY(check_nothing_changed());
  TRY(claim());
  TRY(set_database_aside(request_.database, aside_reason, clock_.wall(), log_));
  auto kept = TRY(directory_.keep_sums(sums));
  TRY(place_database(file, request_.database));
  auto state = new_state(replica_.identity->lineage, done.txid, replica_.newest.node,
                         done.page_size, done.pages);
  state.clean = true;
  return finish(state, std::move(kept));
}

}  // namespace

Result<Booted> boot(const BootRequest& request, const os::Clock& clock, const Log& log) {
  return Boot(request, clock, log).run();
}

}  // namespace walwrap::replication
