// The upload thread of one database: takes the capture's jobs, answers them, and compacts.
//
// A failed batch returns with the answer, after a pause that grows with each failure. The mailboxes
// publish what is known of the store (an outage, fencing), and that a compaction uses it: a stop
// ends a compaction even before the store has answered. The replica is inspected between the
// batches, see replica_watch.hpp.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "walwrap/base/backoff.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/upload/uploader.hpp"

namespace walwrap::replication {

class UploadLoop {
 public:
  UploadLoop(Uploader& uploader, os::Path database, Mailboxes& mailboxes, const os::Clock& clock,
             const Log& log);
  // Runs until a quit order arrives and no job is left.
  void run();
  // For a caller that runs the loop without a thread: once, then turn after turn. A job may be the
  // work of one. Over: no turn follows; Waits: next_turn() says when, if nothing wakes the loop.
  void begin();
  enum class Turn { Again, Waits, Over };
  Turn turn();
  MonoTime next_turn() const;

 private:
  void upload(UploadJob job);
  void probe_fencing();
  void inspect_replica();
  void note_replica();
  void look_at_end();
  void prove();
  void wait_after(const UploadDone& done);
  void wait(std::chrono::milliseconds delay);

  Uploader& uploader_;
  os::Path database_;
  Mailboxes& mailboxes_;
  const os::Clock& clock_;
  const Log& log_;
  Backoff again_;
  FailureEpisode failed_;
  FailureEpisode lost_;
  std::string broken_;  // as it was logged last
  bool proved_ = false;
  bool looked_at_end_ = false;
};

}  // namespace walwrap::replication
