#include "walwrap/control/server.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/os/memory.hpp"

namespace walwrap::control {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kOwner = 0, kLocal = 1, kNetwork = 2, kHttp = 3, kProgress = 4;  // tokens
constexpr milliseconds kTrimEvery{2'000};
constexpr milliseconds kGoneCheck{1'000};
constexpr milliseconds kLastAnswers{200};  // at the end, for clients to read their answers
constexpr std::size_t kCrowd = 256;        // of connections: worth releasing the memory of more
// For databases and stores, which must never run out of descriptors because of clients.
constexpr std::size_t kKeptDescriptors = 128;
constexpr std::size_t kKeptForEach = 32;
constexpr milliseconds kNobodyThere{10};
constexpr int kAcceptsAtOnce = 64;  // and then those are served

}  // namespace

Server::Server(ServerOptions options, std::vector<DatabaseHandle> databases, const os::Clock& clock,
               const Log& log)
    : options_(std::move(options)), clock_(clock), log_(log), databases_(std::move(databases)) {}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options,
                                              std::vector<DatabaseHandle> databases,
                                              const os::Clock& clock, const Log& log) {
  std::unique_ptr<Server> server(new Server(std::move(options), std::move(databases), clock, log));
  TRY(server->begin());
  return server;
}

Result<void> Server::begin() {
  wakeup_ = TRY(os::Wakeup::create());
  poller_ = TRY(os::Poller::create());
  const auto kept = std::max(kKeptDescriptors, kKeptForEach * databases_.size());
  const auto descriptors = os::descriptor_limit();
  const auto possible = descriptors > 2 * kept ? descriptors - kept : descriptors / 2;
  const auto most = std::min(options_.most_connections, possible);
  const auto most_of_network = options_.network ? most / 2 : 0;
  http_ = TRY(HttpDaemon::create(
      {.most_of_this_machine = most - most_of_network,
       .most_of_network = most_of_network,
       .client_timeout = options_.client_timeout,
       .on_request = [this](const Request& request,
                            std::uint64_t id) { return handler_->on_request(request, id); },
       .on_gone = [this](std::uint64_t id) { handler_->on_gone(id); }},
      clock_));
  options_.handler.answer = [this](std::uint64_t id, Answer answer) {
    http_->answer(id, std::move(answer));
  };
  handler_.emplace(std::move(options_.handler), clock_, log_);
  TRY(poller_->add(wakeup_->descriptor(), kOwner));
  TRY(poller_->add(http_->descriptor(), kHttp));
  if (options_.local) TRY(poller_->add(options_.local->descriptor(), kLocal));
  if (options_.network) TRY(poller_->add(options_.network->descriptor(), kNetwork));
  TRY(follow(std::move(databases_)));
  thread_ = os::Thread(
      "control", [this] { run(); },
      [this](std::string_view what) {
        log_.error("a bug has stopped the API, the app goes on", {{"what", what}});
      });
  return {};
}

Server::~Server() {
  if (!wakeup_) return;
  pending_.update([](Pending& pending) { pending.quit = true; });
  wakeup_->notify();
  thread_.join();
}

void Server::set_databases(std::vector<DatabaseHandle> databases) {
  pending_.update([&](Pending& pending) { pending.databases = std::move(databases); });
  wakeup_->notify();
}

void Server::set_stopping() {
  pending_.update([](Pending& pending) { pending.stopping = true; });
  wakeup_->notify();
}

Result<void> Server::follow(std::vector<DatabaseHandle> databases) {
  for (const int descriptor : handler_->follow(std::move(databases))) {
    TRY(poller_->add(descriptor, kProgress));
  }
  return {};
}

void Server::take_pending() {
  wakeup_->drain();
  std::optional<std::vector<DatabaseHandle>> databases;
  pending_.update([&](Pending& pending) {
    databases = std::exchange(pending.databases, std::nullopt);
    if (pending.stopping) handler_->set_stopping();
    quit_ = pending.quit;
  });
  if (!databases) return;
  if (const auto done = follow(*std::move(databases)); !done) {
    log_.error("requests about a database cannot be answered", {{"cause", done.error().text}});
  }
}

void Server::run() {
  os::lower_thread_priority();
  while (true) {
    const auto ready = poller_->wait(next_wake(clock_.mono()));
    take_pending();
    if (quit_) return end();
    if (ready) {
      for (const auto& one : *ready) {
        if (one.token == kLocal) accept_from(*options_.local, HttpDaemon::From::ThisMachine);
        if (one.token == kNetwork) accept_from(*options_.network, HttpDaemon::From::Network);
      }
    }
    handler_->advance();
    handler_->watch_if_due();
    const MonoTime now = clock_.mono();
    if (now >= next_trim_) trim(now);
    if (handler_->has_waits() && now >= next_gone_check_) {
      next_gone_check_ = now + kGoneCheck;
      http_->drop_the_gone();
    }
    http_->run();
    crowd_ = std::max(crowd_, http_->connections());
  }
}

// A connection costs some kilobytes, which the library would keep for later connections.
void Server::trim(MonoTime now) {
  next_trim_ = now + kTrimEvery;
  if (crowd_ < kCrowd || http_->connections() > crowd_ / 4) return;
  crowd_ = 0;
  os::give_back_freed();
}

MonoTime Server::next_wake(MonoTime now) const {
  MonoTime next = std::max(handler_->next_wake(), now);
  if (const auto due = http_->next_due()) next = std::min(next, *due);
  if (handler_->has_waits()) next = std::min(next, next_gone_check_);
  if (crowd_ >= kCrowd) next = std::min(next, next_trim_);
  return next;
}

void Server::accept_from(os::ListenSocket& listener, HttpDaemon::From from) {
  if (http_->make_room(from) == HttpDaemon::Room::Soon) return;
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    // It is refused only after silent connections were shut down.
    if (i > 0 && !http_->has_room(from)) return;
    auto accepted = listener.take();
    if (!accepted) {
      // A wake-up without a connection means: no descriptors left. A waiting client would wake this
      // thread again and again.
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
    http_->add(std::move(accepted->socket), from, accepted->user);
  }
}

void Server::end() {
  handler_->end();
  const MonoTime until = clock_.mono() + kLastAnswers;
  http_->run();
  while (http_->has_answers_to_send() && clock_.mono() < until) {
    if (!poller_->wait(clock_.mono() + milliseconds(10))) return;
    http_->run();
  }
}

}  // namespace walwrap::control
