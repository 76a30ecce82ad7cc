// Where requests about databases are answered: at once, or when what they wait for has come.
//
// Owned by the server's thread. It opens no socket: requests and answers cross it as values.
// Nothing here is asked by the threads that replicate, and what is asked of them is a number that
// they read when they look anyway.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/control/health.hpp"
#include "walwrap/control/protocol.hpp"
#include "walwrap/control/status.hpp"
#include "walwrap/control/waits.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/points_lister.hpp"

namespace walwrap::control {

// One database. What it points to outlives the server.
struct DatabaseHandle {
  os::Path database;
  std::string replica;                                         // URL
  replication::SyncRequests* sync_requests = nullptr;          // null: not replicated, see `reason`
  replication::PointsLister* points = nullptr;                 // null as well, then
  std::function<replication::ReplicatorStatus()> status = {};  // for any thread
  std::string reason = {};
};

struct RequestHandlerOptions {
  Access access = {};
  std::string version = {};
  std::string host = {};
  std::chrono::milliseconds grace{0};
  std::uint64_t restarts = 0;  // of this process, beside the app
  std::chrono::milliseconds max_lag{30'000};
  std::function<void(std::uint64_t id, Answer answer)> answer;  // of one who has waited
};

class RequestHandler {
 public:
  RequestHandler(RequestHandlerOptions options, const os::Clock& clock, const Log& log)
      : options_(std::move(options)), clock_(clock), log_(log) {}

  // Known databases keep their waits. Of those that are new, the descriptors to call
  // advance() for.
  std::vector<int> follow(std::vector<DatabaseHandle> databases);
  // The answer, or nullopt: options.answer will be called with that id, or on_gone() is.
  std::optional<Answer> on_request(const Request& request, std::uint64_t id);
  void on_gone(std::uint64_t id);
  // Answers all whose time has come.
  void advance();
  void watch_if_due();
  void set_stopping() { stopping_ = true; }
  // The last flush is over: what it has stored is said, and of the rest that it is not.
  void end();

  bool has_waits() const { return !asked_.empty(); }
  MonoTime next_wake() const;

 private:
  struct DatabaseState {
    DatabaseHandle handle;
    WaitList waits;
    Watchdog watchdog;
    Health health;
    WalStamp wal;
    History history;
    std::map<std::uint64_t, MonoTime> listing;  // who waits for a listing, and until when
  };
  std::optional<Answer> begin_wait(const Call& call, std::uint64_t id);
  std::optional<Answer> begin_listing(const Call& call, std::uint64_t id);
  static Answer answer_listing(const DatabaseState& followed);
  Answer show_page();
  DatabaseState* find(const std::string& name);
  Answer which_database(const std::string& name) const;
  void finish(DatabaseState& followed, const std::vector<Ended>& ended);
  void finish_listings(DatabaseState& followed);
  void answer(std::uint64_t id, Answer answer);
  void watch(MonoTime now);
  bool watch_one(DatabaseState& followed, MonoTime now);
  Status status();
  static DatabaseStatus status_of(const DatabaseState& followed);

  RequestHandlerOptions options_;
  const os::Clock& clock_;
  const Log& log_;
  std::vector<DatabaseState> followed_;
  std::map<std::uint64_t, Endpoint> asked_;  // of those who wait, by id
  MonoTime watched_{};
  MonoTime next_watch_{};
  bool stopping_ = false;
};

}  // namespace walwrap::control
