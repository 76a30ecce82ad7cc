#include "walwrap/control/server.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/control/http_daemon.hpp"
#include "walwrap/control/metrics.hpp"
#include "walwrap/control/report.hpp"
#include "walwrap/control/waits.hpp"
#include "walwrap/os/memory.hpp"
#include "walwrap/os/poller.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::control {
namespace {

using replication::Inquiry;
using std::chrono::milliseconds;

constexpr std::uint64_t kOrders = 0, kLocal = 1, kNetwork = 2, kHttp = 3, kSubjects = 4;  // tokens
constexpr milliseconds kWatch{2'000};       // of logs, by the watchdogs
constexpr milliseconds kWatchIdle{10'000};  // that nothing happens to
constexpr milliseconds kGoneCheck{1'000};
constexpr milliseconds kLastAnswers{200};      // for clients to take them, at the end
constexpr std::size_t kCrowd = 256;            // of connections, whose memory is worth having back
constexpr std::size_t kKeptDescriptors = 128;  // for databases and stores
constexpr milliseconds kNobodyThere{10};
constexpr int kAcceptsAtOnce = 64;  // and then whoever is there is served

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, std::vector<Subject> subjects, const os::Clock& clock, const Log& log)
      : options_(std::move(options)), clock_(clock), log_(log), subjects_(std::move(subjects)) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start();
  void set_subjects(std::vector<Subject> subjects);
  void set_stopping();

 private:
  // What the server keeps of a database.
  struct Followed {
    Subject subject;
    WaitList waits;
    Watchdog watchdog;
    Health health;
    LogFace face;
  };
  struct Orders {
    std::optional<std::vector<Subject>> subjects;
    bool stopping = false;
    bool quit = false;
  };

  void run();
  void take_orders();
  Result<void> follow(std::vector<Subject> subjects);
  void accept_from(os::ListenSocket& listener, HttpDaemon::From from);
  std::optional<Answer> on_request(const Request& request, std::uint64_t id);
  std::optional<Answer> begin_wait(const Call& call, std::uint64_t id);
  Followed* find(const std::string& name);
  Answer which_database(const std::string& name) const;
  void on_gone(std::uint64_t id);
  void advance();
  void finish(Followed& followed, const std::vector<Ended>& ended);
  void watch(MonoTime now);
  void trim();
  Facts facts();
  void end_waits();
  MonoTime next_wake(MonoTime now) const;

  ServerOptions options_;
  const os::Clock& clock_;
  const Log& log_;
  std::vector<Subject> subjects_;  // to follow from the start
  os::Published<Orders> orders_;
  std::optional<os::Wakeup> wakeup_;
  os::Thread thread_;

  // The server thread's own.
  std::optional<os::Poller> poller_;
  std::unique_ptr<HttpDaemon> http_;
  std::vector<Followed> followed_;
  std::size_t crowd_ = 0;                    // most connections since memory was given back
  std::map<std::uint64_t, Endpoint> asked_;  // of those who wait, by id
  MonoTime next_watch_{};
  MonoTime next_gone_check_{};
  bool stopping_ = false;
  bool quit_ = false;
};

Result<void> Server::Impl::start() {
  wakeup_ = TRY(os::Wakeup::create());
  poller_ = TRY(os::Poller::create());
  const auto descriptors = os::descriptor_limit();
  const auto most =
      descriptors > 2 * kKeptDescriptors ? descriptors - kKeptDescriptors : descriptors / 2;
  http_ = TRY(HttpDaemon::create(
      {.most_connections = std::min(options_.most_connections, most),
       .patience = options_.patience,
       .on_request = [this](const Request& request,
                            std::uint64_t id) { return on_request(request, id); },
       .on_gone = [this](std::uint64_t id) { on_gone(id); }},
      clock_));
  TRY(poller_->add(wakeup_->descriptor(), kOrders));
  TRY(poller_->add(http_->descriptor(), kHttp));
  if (options_.local) TRY(poller_->add(options_.local->descriptor(), kLocal));
  if (options_.network) TRY(poller_->add(options_.network->descriptor(), kNetwork));
  TRY(follow(std::move(subjects_)));
  thread_ = os::Thread(
      "control", [this] { run(); },
      [this](std::string_view what) {
        log_.error("a bug has stopped the API, the app goes on", {{"what", what}});
      });
  return {};
}

Server::Impl::~Impl() {
  if (!wakeup_) return;
  orders_.update([](Orders& orders) { orders.quit = true; });
  wakeup_->notify();
  thread_.join();
}

void Server::Impl::set_subjects(std::vector<Subject> subjects) {
  orders_.update([&](Orders& orders) { orders.subjects = std::move(subjects); });
  wakeup_->notify();
}

void Server::Impl::set_stopping() {
  orders_.update([](Orders& orders) { orders.stopping = true; });
  wakeup_->notify();
}

// Whoever is known already keeps their waits: a database that comes to be replicated had none.
Result<void> Server::Impl::follow(std::vector<Subject> subjects) {
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const bool is_new = i >= followed_.size();
    if (is_new) {
      followed_.push_back({.subject = {},
                           .waits = {},
                           .watchdog = Watchdog(options_.max_lag),
                           .health = {},
                           .face = {}});
    }
    Followed& followed = followed_[i];
    const bool had_inquiry = followed.subject.inquiry != nullptr;
    followed.subject = std::move(subjects[i]);
    if (followed.subject.inquiry == nullptr || had_inquiry) continue;
    TRY(poller_->add(followed.subject.inquiry->progressed().descriptor(), kSubjects + i));
  }
  return {};
}

void Server::Impl::take_orders() {
  wakeup_->drain();
  std::optional<std::vector<Subject>> subjects;
  orders_.update([&](Orders& orders) {
    subjects = std::exchange(orders.subjects, std::nullopt);
    stopping_ = orders.stopping;
    quit_ = orders.quit;
  });
  if (!subjects) return;
  if (const auto done = follow(*std::move(subjects)); !done) {
    log_.error("a database cannot be asked about", {{"cause", done.error().text}});
  }
}

void Server::Impl::run() {
  os::give_way_to_others();
  while (true) {
    const auto ready = poller_->wait(next_wake(clock_.mono()));
    take_orders();
    if (quit_) return end_waits();
    if (ready) {
      for (const auto& one : *ready) {
        if (one.token == kLocal) accept_from(*options_.local, HttpDaemon::From::ThisMachine);
        if (one.token == kNetwork) accept_from(*options_.network, HttpDaemon::From::Network);
      }
    }
    advance();
    const MonoTime now = clock_.mono();
    if (now >= next_watch_) {
      watch(now);
      trim();
    }
    if (!asked_.empty() && now >= next_gone_check_) {
      next_gone_check_ = now + kGoneCheck;
      http_->drop_the_gone();
    }
    http_->run();
    crowd_ = std::max(crowd_, http_->connections());
  }
}

// A connection costs some kilobytes, which would be kept for the next crowd.
void Server::Impl::trim() {
  if (crowd_ < kCrowd || http_->connections() > crowd_ / 4) return;
  crowd_ = 0;
  os::give_back_freed();
}

MonoTime Server::Impl::next_wake(MonoTime now) const {
  MonoTime next = std::max(next_watch_, now);
  if (const auto due = http_->next_due()) next = std::min(next, *due);
  if (!asked_.empty()) next = std::min(next, next_gone_check_);
  for (const Followed& followed : followed_) {
    if (const auto due = followed.waits.next_deadline()) next = std::min(next, *due);
  }
  return next;
}

void Server::Impl::accept_from(os::ListenSocket& listener, HttpDaemon::From from) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    auto accepted = listener.take();
    if (!accepted) {
      // Woken for nobody: out of descriptors, most likely, and whoever waits would wake us again.
      if (i == 0) os::pause_for(kNobodyThere);
      return;
    }
    if (from == HttpDaemon::From::ThisMachine) {
      const auto& users = options_.users;
      const bool is_known =
          accepted->user && (*accepted->user == 0 ||
                             std::find(users.begin(), users.end(), *accepted->user) != users.end());
      if (!is_known) continue;  // closes it
    }
    http_->add(std::move(accepted->socket), from);
  }
}

std::optional<Answer> Server::Impl::on_request(const Request& request, std::uint64_t id) {
  auto parsed = parse_call(request, options_.access);
  if (auto* refused = std::get_if<Answer>(&parsed)) return std::move(*refused);
  const Call& call = std::get<Call>(parsed);
  switch (call.endpoint) {
    case Endpoint::Status:
      return Answer{.body = format_status(facts())};
    case Endpoint::Metrics:
      return Answer{.content_type = std::string(kMetricsType), .body = format_metrics(facts())};
    case Endpoint::Healthz:
      return answer_health(facts());
    case Endpoint::Readyz:
      return answer_readiness(facts());
    case Endpoint::Position:
    case Endpoint::Wait:
    case Endpoint::Flush:
      return begin_wait(call, id);
  }
  return std::nullopt;
}

Server::Impl::Followed* Server::Impl::find(const std::string& name) {
  if (name.empty()) return followed_.size() == 1 ? &followed_.front() : nullptr;
  for (Followed& followed : followed_) {
    if (followed.subject.database == os::Path(name)) return &followed;
  }
  for (Followed& followed : followed_) {
    if (followed.subject.database.filename() == os::Path(name)) return &followed;
  }
  return nullptr;
}

Answer Server::Impl::which_database(const std::string& name) const {
  std::string known;
  for (const Followed& followed : followed_) {
    known += (known.empty() ? "" : ", ") + followed.subject.database.string();
  }
  return problem(name.empty() ? 400 : 404, "which-database",
                 name.empty() ? "There are several databases" : "There is no such database",
                 "say which one with db=FILE: " + known);
}

// Followed by an answer at once where it is known already.
std::optional<Answer> Server::Impl::begin_wait(const Call& call, std::uint64_t id) {
  Followed* followed = find(call.database);
  if (followed == nullptr) return which_database(call.database);
  Inquiry* inquiry = followed->subject.inquiry;
  if (inquiry == nullptr) {
    return problem(503, "not-replicating", "The database is not replicated", followed->subject.why);
  }
  const auto progress = inquiry->progress();
  if (call.position && progress.attached && call.position->file != progress.committed.file) {
    return answer_wait(call.endpoint, {.id = id, .how = Ended::How::Replaced, .position = {}},
                       progress);
  }
  RandomId file = progress.committed.file;  // 0 while nothing is attached
  if (call.position) file = call.position->file;
  const auto pace =
      call.endpoint == Endpoint::Flush ? Inquiry::Pace::StoreNow : Inquiry::Pace::Usual;
  followed->waits.add(
      {.id = id,
       .what = call.endpoint == Endpoint::Position ? Wait::For::Found : Wait::For::Stored,
       .ticket = inquiry->ask_look(pace),
       .position = call.position,
       .file = file,
       .deadline = clock_.mono() + call.timeout});
  asked_.emplace(id, call.endpoint);
  return std::nullopt;
}

void Server::Impl::on_gone(std::uint64_t id) {
  asked_.erase(id);
  for (Followed& followed : followed_) followed.waits.remove(id);
}

void Server::Impl::advance() {
  for (Followed& followed : followed_) {
    Inquiry* inquiry = followed.subject.inquiry;
    if (inquiry == nullptr) continue;
    inquiry->progressed().drain();
    finish(followed, followed.waits.on_progress(inquiry->progress()));
    finish(followed, followed.waits.on_time(clock_.mono()));
    if (followed.waits.size() == 0) inquiry->stop_listening();
  }
}

void Server::Impl::finish(Followed& followed, const std::vector<Ended>& ended) {
  if (ended.empty()) return;
  const auto progress = followed.subject.inquiry->progress();
  for (const Ended& one : ended) {
    const auto asked = asked_.extract(one.id);
    if (!asked.empty()) http_->answer(one.id, answer_wait(asked.mapped(), one, progress));
  }
}

void Server::Impl::watch(MonoTime now) {
  milliseconds next = kWatchIdle;
  for (Followed& followed : followed_) {
    if (!followed.subject.status) continue;
    const auto status = followed.subject.status();
    const auto found = os::status_of(followed.subject.database.string() + "-wal");
    const LogFace face{.exists = found.has_value(),
                       .size = found ? found->size : 0,
                       .modified = found ? found->modified : WallTime{}};
    if (!(face == followed.face) || followed.health.lag.count() > 0) next = kWatch;
    followed.face = face;
    const bool was_ok = followed.health.ok;
    followed.health = followed.watchdog.look(face, status.stored_as_of, status.trouble, now);
    if (was_ok == followed.health.ok) continue;
    const auto name = followed.subject.database.filename().string();
    if (was_ok) {
      log_.warn("not stored in time", {{"db", name}, {"cause", followed.health.reason}});
    } else {
      log_.info("stored in time again", {{"db", name}});
    }
  }
  // Often enough to be red in time, whatever the limit is.
  next_watch_ = now + std::min(next, options_.max_lag / 3 + milliseconds(100));
}

Facts Server::Impl::facts() {
  watch(clock_.mono());
  Facts facts{.version = options_.version,
              .host = options_.host,
              .grace = options_.grace,
              .stopping = stopping_,
              .waits = asked_.size(),
              .databases = {}};
  for (const Followed& followed : followed_) {
    const Subject& subject = followed.subject;
    DatabaseFacts database{.path = subject.database.string(),
                           .replica = subject.replica,
                           .replicated = subject.inquiry != nullptr,
                           .why = subject.why,
                           .status = {},
                           .progress = {},
                           .health = followed.health,
                           .log_bytes = followed.face.size};
    if (subject.inquiry != nullptr) database.progress = subject.inquiry->progress();
    if (subject.status) database.status = subject.status();
    facts.databases.push_back(std::move(database));
  }
  return facts;
}

// The last flush is over: what it has stored is said, and of the rest that it is not.
void Server::Impl::end_waits() {
  advance();
  for (const auto& [id, endpoint] : std::exchange(asked_, {})) {
    http_->answer(id, problem(503, "stopping", "walwrap has stopped",
                              "it was not stored before the end, or not known to be"));
  }
  const MonoTime until = clock_.mono() + kLastAnswers;
  http_->run();
  while (http_->has_answers_to_send() && clock_.mono() < until) {
    if (!poller_->wait(clock_.mono() + milliseconds(10))) return;
    http_->run();
  }
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, std::vector<Subject> subjects,
                                              const os::Clock& clock, const Log& log) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(subjects), clock, log);
  TRY(impl->start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::set_subjects(std::vector<Subject> subjects) {
  impl_->set_subjects(std::move(subjects));
}
void Server::set_stopping() {
  impl_->set_stopping();
}

}  // namespace walwrap::control
