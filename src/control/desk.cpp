#include "walwrap/control/desk.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/control/metrics.hpp"
#include "walwrap/control/page.hpp"
#include "walwrap/control/report.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/capture/log_end.hpp"

namespace walwrap::control {
namespace {

using replication::Inquiry;
using std::chrono::milliseconds;

constexpr milliseconds kWatch{2'000};       // of logs, by the watchdogs
constexpr milliseconds kWatchIdle{10'000};  // that nothing happens to
constexpr milliseconds kFresh{100};         // whoever asks often is shown what was seen just now

Wait::For what_for(Endpoint endpoint) {
  if (endpoint == Endpoint::Position) return Wait::For::Found;
  return endpoint == Endpoint::Snapshot ? Wait::For::Snapshot : Wait::For::Stored;
}

std::uint64_t ask(Inquiry& inquiry, Endpoint endpoint) {
  if (endpoint == Endpoint::Snapshot) return inquiry.ask_snapshot();
  return inquiry.ask_look(endpoint == Endpoint::Flush ? Inquiry::Pace::StoreNow
                                                      : Inquiry::Pace::Usual);
}

Answer not_replicating(const std::string& why) {
  return problem(503, "not-replicating", "The database is not replicated", why);
}

}  // namespace

std::vector<int> Desk::follow(std::vector<Subject> subjects) {
  std::vector<int> descriptors;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (i >= followed_.size()) {
      followed_.push_back({.subject = {},
                           .waits = {},
                           .watchdog = Watchdog(options_.max_lag),
                           .health = {},
                           .face = {},
                           .history = {},
                           .listing = {}});
    }
    Subject& subject = followed_[i].subject;
    const bool had_inquiry = subject.inquiry != nullptr;
    subject = std::move(subjects[i]);
    if (subject.inquiry == nullptr || had_inquiry) continue;
    descriptors.push_back(subject.inquiry->progressed().descriptor());
  }
  return descriptors;
}

std::optional<Answer> Desk::on_request(const Request& request, std::uint64_t id) {
  auto parsed = parse_call(request, options_.access);
  if (auto* refused = std::get_if<Answer>(&parsed)) return std::move(*refused);
  const Call& call = std::get<Call>(parsed);
  switch (call.endpoint) {
    case Endpoint::Page:
      return show_page();
    case Endpoint::Status:
      return Answer{.body = format_status(facts())};
    case Endpoint::Metrics:
      return Answer{.content_type = std::string(kMetricsType), .body = format_metrics(facts())};
    case Endpoint::Healthz:
      return answer_health(facts());
    case Endpoint::Readyz:
      return answer_readiness(facts());
    case Endpoint::Points:
      return begin_listing(call, id);
    case Endpoint::Position:
    case Endpoint::Wait:
    case Endpoint::Flush:
    case Endpoint::Snapshot:
      return begin_wait(call, id);
  }
  return std::nullopt;
}

Desk::Followed* Desk::find(const std::string& name) {
  if (name.empty()) return followed_.size() == 1 ? &followed_.front() : nullptr;
  for (Followed& followed : followed_) {
    if (followed.subject.database == os::Path(name)) return &followed;
  }
  for (Followed& followed : followed_) {
    if (followed.subject.database.filename() == os::Path(name)) return &followed;
  }
  return nullptr;
}

Answer Desk::which_database(const std::string& name) const {
  std::string known;
  for (const Followed& followed : followed_) {
    known += (known.empty() ? "" : ", ") + followed.subject.database.string();
  }
  return problem(name.empty() ? 400 : 404, "which-database",
                 name.empty() ? "There are several databases" : "There is no such database",
                 "say which one with db=FILE: " + known);
}

// Followed by an answer at once where it is known already.
std::optional<Answer> Desk::begin_wait(const Call& call, std::uint64_t id) {
  Followed* followed = find(call.database);
  if (followed == nullptr) return which_database(call.database);
  Inquiry* inquiry = followed->subject.inquiry;
  if (inquiry == nullptr) return not_replicating(followed->subject.why);
  const auto progress = inquiry->progress();
  if (call.position && progress.attached && call.position->file != progress.committed.file) {
    return answer_wait(call.endpoint, {.id = id, .how = Ended::How::Replaced, .position = {}},
                       progress);
  }
  RandomId file = progress.committed.file;  // 0 while nothing is attached
  if (call.position) file = call.position->file;
  followed->waits.add({.id = id,
                       .what = what_for(call.endpoint),
                       .ticket = ask(*inquiry, call.endpoint),
                       .position = call.position,
                       .file = file,
                       .deadline = clock_.mono() + call.timeout});
  asked_.emplace(id, call.endpoint);
  return std::nullopt;
}

std::optional<Answer> Desk::begin_listing(const Call& call, std::uint64_t id) {
  Followed* followed = find(call.database);
  if (followed == nullptr) return which_database(call.database);
  if (followed->subject.points == nullptr) return not_replicating(followed->subject.why);
  followed->subject.points->ask();
  if (!followed->subject.points->current().running) return answer_listing(*followed);
  followed->listing.emplace(id, clock_.mono() + call.timeout);
  asked_.emplace(id, call.endpoint);
  return std::nullopt;
}

void Desk::on_gone(std::uint64_t id) {
  asked_.erase(id);
  for (Followed& followed : followed_) {
    followed.waits.remove(id);
    followed.listing.erase(id);
  }
}

void Desk::advance() {
  for (Followed& followed : followed_) {
    Inquiry* inquiry = followed.subject.inquiry;
    if (inquiry == nullptr) continue;
    inquiry->progressed().drain();
    finish(followed, followed.waits.on_progress(inquiry->progress()));
    finish(followed, followed.waits.on_time(clock_.mono()));
    finish_listings(followed);
    if (followed.waits.size() == 0) inquiry->stop_listening();
  }
}

void Desk::answer(std::uint64_t id, Answer answer) {
  if (asked_.erase(id) > 0) options_.answer(id, std::move(answer));
}

void Desk::finish(Followed& followed, const std::vector<Ended>& ended) {
  if (ended.empty()) return;
  const auto progress = followed.subject.inquiry->progress();
  for (const Ended& one : ended) {
    const auto asked = asked_.find(one.id);
    if (asked != asked_.end()) answer(one.id, answer_wait(asked->second, one, progress));
  }
}

Answer Desk::answer_listing(const Followed& followed) {
  const auto current = followed.subject.points->current();
  if (!current.trouble.empty() || !current.found) {
    return problem(503, "not-listed", "The replica could not be listed", current.trouble);
  }
  return {.body = format_points(*current.found)};
}

void Desk::finish_listings(Followed& followed) {
  if (followed.listing.empty()) return;
  const bool is_over = !followed.subject.points->current().running;
  const MonoTime now = clock_.mono();
  const auto waiting = std::exchange(followed.listing, {});
  for (const auto& [id, deadline] : waiting) {
    if (is_over) {
      answer(id, answer_listing(followed));
    } else if (deadline <= now) {
      answer(id, problem(504, "timed-out", "Not listed in time",
                         "the listing goes on: ask again in a while"));
    } else {
      followed.listing.emplace(id, deadline);
    }
  }
}

void Desk::watch_if_due() {
  const MonoTime now = clock_.mono();
  if (now >= next_watch_) watch(now);
}

// True if something happens there.
bool Desk::watch_one(Followed& followed, MonoTime now) {
  const auto status = followed.subject.status();
  const os::Path log = followed.subject.database.string() + "-wal";
  const auto found = os::status_of(log);
  const LogFace face{.exists = found.has_value(),
                     .size = found ? found->size : 0,
                     .modified = found ? found->modified : WallTime{}};
  const bool is_new = !(face == followed.face);
  followed.face = face;
  // What cannot be read says nothing; its time and size still do.
  const bool has_more = replication::holds_commit_beyond(status.stored.log, log).value_or(false);
  const bool was_ok = followed.health.ok;
  const Sight sight{.log = face,
                    .has_more = has_more,
                    .waits_since = status.waits_since,
                    .stored = status.stored,
                    .trouble = status.trouble,
                    .replica_lost = status.replica_lost,
                    .attached = status.files,
                    .at_path = replication::DatabaseFiles::at(followed.subject.database)};
  followed.health = followed.watchdog.look(sight, now);
  followed.history.add({.at = now,
                        .lag = followed.health.lag,
                        .uploads = status.uploads.took.count(),
                        .uploaded = status.uploads.bytes});
  if (was_ok != followed.health.ok) {
    const auto name = followed.subject.database.filename().string();
    if (was_ok) {
      log_.warn("not stored in time", {{"db", name}, {"cause", followed.health.reason}});
    } else {
      log_.info("stored in time again", {{"db", name}});
    }
  }
  return is_new || followed.health.lag.count() > 0;
}

void Desk::watch(MonoTime now) {
  watched_ = now;
  milliseconds next = kWatchIdle;
  for (Followed& followed : followed_) {
    if (followed.subject.status && watch_one(followed, now)) next = kWatch;
  }
  // Often enough to be red in time, whatever the limit is.
  next_watch_ = now + std::min(next, options_.max_lag / 3 + milliseconds(100));
}

MonoTime Desk::next_wake() const {
  MonoTime next = next_watch_;
  for (const Followed& followed : followed_) {
    if (const auto due = followed.waits.next_deadline()) next = std::min(next, *due);
    for (const auto& [id, deadline] : followed.listing) next = std::min(next, deadline);
  }
  return next;
}

DatabaseFacts Desk::facts_of(const Followed& followed) {
  const Subject& subject = followed.subject;
  DatabaseFacts database{.path = subject.database.string(),
                         .replica = subject.replica,
                         .replicated = subject.inquiry != nullptr,
                         .why = subject.why,
                         .status = {},
                         .progress = {},
                         .health = followed.health,
                         .log_bytes = followed.face.size,
                         .throughput = followed.history.throughput()};
  if (subject.inquiry != nullptr) database.progress = subject.inquiry->progress();
  if (subject.status) database.status = subject.status();
  if (subject.points == nullptr) return database;
  auto listing = subject.points->current();
  database.points = std::move(listing.found);
  database.points_trouble = std::move(listing.trouble);
  return database;
}

Facts Desk::facts() {
  const MonoTime now = clock_.mono();
  if (now >= watched_ + kFresh) watch(now);
  Facts facts{.version = options_.version,
              .host = options_.host,
              .grace = options_.grace,
              .restarts = options_.restarts,
              .stopping = stopping_,
              .waits = asked_.size(),
              .databases = {}};
  for (const Followed& followed : followed_) facts.databases.push_back(facts_of(followed));
  return facts;
}

// A person looks: what can be restored to is found out for the next look, if it is not known.
Answer Desk::show_page() {
  for (const Followed& followed : followed_) {
    if (followed.subject.points != nullptr) followed.subject.points->ask();
  }
  const Facts known = facts();
  std::vector<const History*> histories;
  for (const Followed& followed : followed_) histories.push_back(&followed.history);
  return answer_page({.facts = known,
                      .histories = histories,
                      .now = clock_.wall(),
                      .now_mono = clock_.mono(),
                      .nonce = {os::random_u64()}});
}

void Desk::end() {
  advance();
  for (const auto& [id, endpoint] : std::exchange(asked_, {})) {
    options_.answer(id, problem(503, "stopping", "walwrap has stopped",
                                "it was not stored before the end, or not known to be"));
  }
}

}  // namespace walwrap::control
