#include "walwrap/control/request_handler.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/control/dashboard.hpp"
#include "walwrap/control/metrics.hpp"
#include "walwrap/control/status_json.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/capture/wal_tail.hpp"

namespace walwrap::control {
namespace {

using replication::SyncRequests;
using std::chrono::milliseconds;

constexpr milliseconds kWatch{2'000};       // of WALs, by the watchdogs
constexpr milliseconds kWatchIdle{10'000};  // of WALs without events
constexpr milliseconds kFresh{100};         // frequent requests get the latest status

Wait::For what_for(Endpoint endpoint) {
  if (endpoint == Endpoint::Position) return Wait::For::Found;
  return endpoint == Endpoint::Snapshot ? Wait::For::Snapshot : Wait::For::Stored;
}

std::uint64_t ask(SyncRequests& sync_requests, Endpoint endpoint) {
  if (endpoint == Endpoint::Snapshot) return sync_requests.ask_snapshot();
  return sync_requests.ask_look(endpoint == Endpoint::Flush ? SyncRequests::Pace::StoreNow
                                                            : SyncRequests::Pace::Usual);
}

Answer not_replicating(const std::string& reason) {
  return problem(503, "not-replicating", "The database is not replicated", reason);
}

}  // namespace

std::vector<int> RequestHandler::follow(std::vector<DatabaseHandle> databases) {
  std::vector<int> descriptors;
  for (std::size_t i = 0; i < databases.size(); ++i) {
    if (i >= followed_.size()) {
      followed_.push_back({.handle = {},
                           .waits = {},
                           .watchdog = Watchdog(options_.max_lag),
                           .health = {},
                           .wal = {},
                           .history = {},
                           .listing = {}});
    }
    DatabaseHandle& handle = followed_[i].handle;
    const bool was_replicated = handle.sync_requests != nullptr;
    handle = std::move(databases[i]);
    if (handle.sync_requests == nullptr || was_replicated) continue;
    descriptors.push_back(handle.sync_requests->progressed().descriptor());
  }
  return descriptors;
}

std::optional<Answer> RequestHandler::on_request(const Request& request, std::uint64_t id) {
  auto parsed = parse_call(request, options_.access);
  if (auto* refused = std::get_if<Answer>(&parsed)) return std::move(*refused);
  const Call& call = std::get<Call>(parsed);
  switch (call.endpoint) {
    case Endpoint::Page:
      return show_page();
    case Endpoint::Status:
      return Answer{.body = format_status(status())};
    case Endpoint::Metrics:
      return Answer{.content_type = std::string(kMetricsType), .body = format_metrics(status())};
    case Endpoint::Healthz:
      return answer_health(status());
    case Endpoint::Readyz:
      return answer_readiness(status());
    case Endpoint::Points:
      return begin_listing(call, id);
    case Endpoint::Position:
    case Endpoint::Wait:
    case Endpoint::Flush:
    case Endpoint::Snapshot:
      return begin_wait(call, id);
    case Endpoint::Handover:
      return answer_handover(call.newcomer);
  }
  return std::nullopt;
}

// A walwrap that stops already releases the database as well.
Answer RequestHandler::answer_handover(const Newcomer& newcomer) {
  const auto refused = refuse_handover(options_.self, newcomer);
  if (refused) return problem(409, "handover-refused", "The database has an owner", *refused);
  if (newcomer.asks_only) return {.body = "{\"handover\":\"possible\"}\n"};
  if (!stopping_ && options_.hand_over) options_.hand_over(newcomer.command.text);
  return {.body = "{\"handover\":\"begun\"}\n"};
}

RequestHandler::DatabaseState* RequestHandler::find(const std::string& name) {
  if (name.empty()) return followed_.size() == 1 ? &followed_.front() : nullptr;
  for (DatabaseState& followed : followed_) {
    if (followed.handle.database == os::Path(name)) return &followed;
  }
  for (DatabaseState& followed : followed_) {
    if (followed.handle.database.filename() == os::Path(name)) return &followed;
  }
  return nullptr;
}

Answer RequestHandler::which_database(const std::string& name) const {
  std::string known;
  for (const DatabaseState& followed : followed_) {
    known += (known.empty() ? "" : ", ") + followed.handle.database.string();
  }
  return problem(name.empty() ? 400 : 404, "which-database",
                 name.empty() ? "There are several databases" : "There is no such database",
                 "choose one with db=FILE: " + known);
}

// If the answer is known already, it comes at once.
std::optional<Answer> RequestHandler::begin_wait(const Call& call, std::uint64_t id) {
  DatabaseState* followed = find(call.database);
  if (followed == nullptr) return which_database(call.database);
  SyncRequests* sync_requests = followed->handle.sync_requests;
  if (sync_requests == nullptr) return not_replicating(followed->handle.reason);
  const auto progress = sync_requests->progress();
  if (call.position && progress.attached && call.position->file != progress.committed.file) {
    return answer_wait(call.endpoint, {.id = id, .how = Ended::How::Replaced, .position = {}},
                       progress);
  }
  RandomId file = progress.committed.file;  // 0 while nothing is attached
  if (call.position) file = call.position->file;
  followed->waits.add({.id = id,
                       .what = what_for(call.endpoint),
                       .ticket = ask(*sync_requests, call.endpoint),
                       .position = call.position,
                       .file = file,
                       .deadline = clock_.mono() + call.timeout});
  asked_.emplace(id, call.endpoint);
  return std::nullopt;
}

std::optional<Answer> RequestHandler::begin_listing(const Call& call, std::uint64_t id) {
  DatabaseState* followed = find(call.database);
  if (followed == nullptr) return which_database(call.database);
  if (followed->handle.points == nullptr) return not_replicating(followed->handle.reason);
  followed->handle.points->ask();
  if (!followed->handle.points->current().running) return answer_listing(*followed);
  followed->listing.emplace(id, clock_.mono() + call.timeout);
  asked_.emplace(id, call.endpoint);
  return std::nullopt;
}

void RequestHandler::on_gone(std::uint64_t id) {
  asked_.erase(id);
  for (DatabaseState& followed : followed_) {
    followed.waits.remove(id);
    followed.listing.erase(id);
  }
}

void RequestHandler::advance() {
  for (DatabaseState& followed : followed_) {
    SyncRequests* sync_requests = followed.handle.sync_requests;
    if (sync_requests == nullptr) continue;
    sync_requests->progressed().drain();
    finish(followed, followed.waits.on_progress(sync_requests->progress()));
    finish(followed, followed.waits.on_time(clock_.mono()));
    finish_listings(followed);
    if (followed.waits.size() == 0) sync_requests->stop_listening();
  }
}

void RequestHandler::answer(std::uint64_t id, Answer answer) {
  if (asked_.erase(id) > 0) options_.answer(id, std::move(answer));
}

void RequestHandler::finish(DatabaseState& followed, const std::vector<Ended>& ended) {
  if (ended.empty()) return;
  const auto progress = followed.handle.sync_requests->progress();
  for (const Ended& one : ended) {
    const auto asked = asked_.find(one.id);
    if (asked != asked_.end()) answer(one.id, answer_wait(asked->second, one, progress));
  }
}

Answer RequestHandler::answer_listing(const DatabaseState& followed) {
  const auto current = followed.handle.points->current();
  if (!current.error.empty() || !current.found) {
    return problem(503, "not-listed", "The replica could not be listed", current.error);
  }
  return {.body = format_points(*current.found)};
}

void RequestHandler::finish_listings(DatabaseState& followed) {
  if (followed.listing.empty()) return;
  const bool is_over = !followed.handle.points->current().running;
  const MonoTime now = clock_.mono();
  const auto waiting = std::exchange(followed.listing, {});
  for (const auto& [id, deadline] : waiting) {
    if (is_over) {
      answer(id, answer_listing(followed));
    } else if (deadline <= now) {
      answer(id,
             problem(504, "timed-out", "Not listed in time", "the listing continues; retry later"));
    } else {
      followed.listing.emplace(id, deadline);
    }
  }
}

void RequestHandler::watch_if_due() {
  const MonoTime now = clock_.mono();
  if (now >= next_watch_) watch(now);
}

// True if something happens there.
bool RequestHandler::watch_one(DatabaseState& followed, MonoTime now) {
  const auto status = followed.handle.status();
  const os::Path wal = followed.handle.database.string() + "-wal";
  const auto found = os::status_of(wal);
  const WalStamp stamp{.exists = found.has_value(),
                       .size = found ? found->size : 0,
                       .modified = found ? found->modified : WallTime{}};
  const bool is_new = !(stamp == followed.wal);
  followed.wal = stamp;
  // An unreadable WAL has no position. Its time and size still count.
  const bool has_more = replication::holds_commit_beyond(status.stored.wal, wal).value_or(false);
  const bool was_ok = followed.health.ok;
  const WalObservation seen{.wal = stamp,
                            .has_more = has_more,
                            .waits_since = status.waits_since,
                            .stored = status.stored,
                            .error = status.error,
                            .replica_lost = status.replica_lost,
                            .attached = status.files,
                            .at_path = replication::DatabaseFiles::at(followed.handle.database)};
  followed.health = followed.watchdog.look(seen, now);
  followed.history.add({.at = now,
                        .lag = followed.health.lag,
                        .uploads = status.uploads.took.count(),
                        .uploaded = status.uploads.bytes});
  if (was_ok != followed.health.ok) {
    const auto name = followed.handle.database.filename().string();
    if (was_ok) {
      log_.warn("not stored in time", {{"db", name}, {"cause", followed.health.reason}});
    } else {
      log_.info("stored in time again", {{"db", name}});
    }
  }
  return is_new || followed.health.lag.count() > 0;
}

void RequestHandler::watch(MonoTime now) {
  watched_ = now;
  milliseconds next = kWatchIdle;
  for (DatabaseState& followed : followed_) {
    if (followed.handle.status && watch_one(followed, now)) next = kWatch;
  }
  // Often enough for a health check in time, whatever the limit is.
  next_watch_ = now + std::min(next, options_.max_lag / 3 + milliseconds(100));
}

MonoTime RequestHandler::next_wake() const {
  MonoTime next = next_watch_;
  for (const DatabaseState& followed : followed_) {
    if (const auto due = followed.waits.next_deadline()) next = std::min(next, *due);
    for (const auto& [id, deadline] : followed.listing) next = std::min(next, deadline);
  }
  return next;
}

DatabaseStatus RequestHandler::status_of(const DatabaseState& followed) {
  const DatabaseHandle& handle = followed.handle;
  DatabaseStatus database{.path = handle.database.string(),
                          .replica = handle.replica,
                          .replicated = handle.sync_requests != nullptr,
                          .reason = handle.reason,
                          .status = {},
                          .progress = {},
                          .health = followed.health,
                          .wal_bytes = followed.wal.size,
                          .throughput = followed.history.throughput()};
  if (handle.sync_requests != nullptr) database.progress = handle.sync_requests->progress();
  if (handle.status) database.status = handle.status();
  if (handle.points == nullptr) return database;
  auto listing = handle.points->current();
  database.points = std::move(listing.found);
  database.points_error = std::move(listing.error);
  return database;
}

Status RequestHandler::status() {
  const MonoTime now = clock_.mono();
  if (now >= watched_ + kFresh) watch(now);
  Status status{.version = options_.version,
                .platform = options_.platform,
                .grace = options_.grace,
                .restarts = options_.restarts,
                .stopping = stopping_,
                .waits = asked_.size(),
                .databases = {}};
  for (const DatabaseState& followed : followed_) status.databases.push_back(status_of(followed));
  return status;
}

// A person is looking: the restore points are listed for the next view if they are unknown.
Answer RequestHandler::show_page() {
  for (const DatabaseState& followed : followed_) {
    if (followed.handle.points != nullptr) followed.handle.points->ask();
  }
  const Status known = status();
  std::vector<const History*> histories;
  for (const DatabaseState& followed : followed_) histories.push_back(&followed.history);
  return answer_page({.status = known,
                      .histories = histories,
                      .now = clock_.wall(),
                      .now_mono = clock_.mono(),
                      .nonce = {os::random_u64()}});
}

void RequestHandler::end() {
  advance();
  for (const auto& [id, endpoint] : std::exchange(asked_, {})) {
    options_.answer(id, problem(503, "stopping", "walwrap has stopped",
                                "it was not stored before the stop, or the result is unknown"));
  }
}

}  // namespace walwrap::control
