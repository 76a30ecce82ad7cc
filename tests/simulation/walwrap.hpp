// A walwrap of a simulated world: the production replicator, whose loops have their turns when the
// script says so.
#pragma once

#include <memory>
#include <optional>

#include "tests/simulation/scene.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/replication/replicator.hpp"

namespace walwrap::simulation {

class Walwrap {
 public:
  Walwrap(Scene& scene, Host& host);
  Walwrap(const Walwrap&) = delete;
  Walwrap& operator=(const Walwrap&) = delete;
  ~Walwrap() { end(); }

  Host& host() { return host_; }
  int pid() const { return host_.pid_of_walwrap(); }
  bool is_running() const { return replicator_ != nullptr; }
  bool is_halted() const;

  // As init does: before the app, or again beside it.
  void start();
  // One turn each. False: it cannot have one, because it is in the middle of one.
  bool capture();
  bool upload();
  // What the app has committed by now is waited for, as `walwrap wait` does.
  void confirm();
  void ask_snapshot();
  // Every app is gone. What it answers is checked.
  void stop();
  // A stop begins while the upload loop is in the middle of a turn: it hurries from now on.
  void hurry();
  void kill() { scene_.kernel.kill(pid()); }
  // After it was killed: no call of it has an effect.
  void end();

  // Calls of it have failed since it was started, or since forget_defects().
  bool has_defects() const { return scene_.kernel.defects_of(pid()) != excused_defects_; }
  // A start that has failed beside the app is not tried again in this run.
  void forget_defects() {
    if (loops_) excused_defects_ = scene_.kernel.defects_of(pid());
  }

  bool is_uploading() const { return is_uploading_; }
  bool is_busy() const { return is_capturing_ || is_uploading_ || is_main_; }
  // Other threads of it may have turns while the one that is in a turn waits.
  void on_sleep(std::chrono::nanoseconds duration);

 private:
  replication::ReplicatorOptions options();
  void check_flush(const replication::FlushReport& report, bool is_late);
  bool has_excuse() const;
  bool is_same_file(const ByteVector& image) const;
  void on_exception(std::string_view what);
  bool is_stored();

  Scene& scene_;
  Host& host_;
  Log log_;
  std::unique_ptr<replication::Replicator> replicator_;
  std::optional<replication::Replicator::Loops> loops_;
  bool is_capturing_ = false;
  bool is_uploading_ = false;
  bool is_main_ = false;
  bool is_over_ = false;  // of the capture loop: its flush is done
  int excused_defects_ = 0;
  int sleeps_ = 0;                    // in one step
  std::optional<StateId> unreached_;  // what was committed when it started without the store
  std::optional<std::uint64_t> ticket_;
  std::optional<replication::CommitPosition> wanted_;
};

// The rows at the path, found without touching its files.
std::string rows_on_disk(const Host& host);

}  // namespace walwrap::simulation
