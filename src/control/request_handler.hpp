// Answers requests about databases: at once, or when the awaited event happens.
//
// Owned by the server's thread. It opens no socket: requests and answers are values. The
// replicating threads never wait for this one. They only read a number at their next look.
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

// One database. The objects that it points to outlive the server.
struct DatabaseHandle {
  os::Path database;
  std::string replica;                                         // URL
  replication::SyncRequests* sync_requests = nullptr;          // null: not replicated, see `reason`
  replication::PointsLister* points = nullptr;                 // null in the same case
  std::function<replication::ReplicatorStatus()> status = {};  // for any thread
  std::string reason = {};
};

struct RequestHandlerOptions {
  Access access = {};
  std::string version = {};
  std::string platform = {};
  std::chrono::milliseconds grace{0};
  std::uint64_t restarts = 0;  // of this process, beside the app
  std::chrono::milliseconds max_lag{30'000};
  Owner self = {};
  // Begins the hand-over, on the server's thread. The text names the newcomer.
  std::function<void(std::string to)> hand_over = {};
  std::function<void(std::uint64_t id, Answer answer)> answer;  // of a waiting client
};

class RequestHandler {
 public:
  RequestHandler(RequestHandlerOptions options, const os::Clock& clock, const Log& log)
      : options_(std::move(options)), clock_(clock), log_(log) {}

  // Known databases keep their waits. Returns descriptors of the new ones: call advance() when they
  // are readable.
  std::vector<int> follow(std::vector<DatabaseHandle> databases);
  // The answer. nullopt: options.answer will be called with that id, or the caller calls on_gone().
  std::optional<Answer> on_request(const Request& request, std::uint64_t id);
  void on_gone(std::uint64_t id);
  // Answers every wait that is due.
  void advance();
  void watch_if_due();
  void set_stopping() { stopping_ = true; }
  // The final flush is over: waits for stored commits are answered as stored, and the others as not
  // stored.
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
    std::map<std::uint64_t, MonoTime> listing;  // clients that wait for a listing, and until when
  };
  std::optional<Answer> begin_wait(const Call& call, std::uint64_t id);
  std::optional<Answer> begin_listing(const Call& call, std::uint64_t id);
  static Answer answer_listing(const DatabaseState& followed);
  Answer answer_handover(const Newcomer& newcomer);
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
  std::map<std::uint64_t, Endpoint> asked_;  // waiting clients, by id
  MonoTime watched_{};
  MonoTime next_watch_{};
  bool stopping_ = false;
};

}  // namespace walwrap::control
