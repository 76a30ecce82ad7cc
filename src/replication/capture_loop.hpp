// The capture thread of one database: attach, wake, capture, offer uploads, checkpoint, finish.
//
// Asks the pure parts (JobSchedule, and CheckpointPolicy through Checkpointer) and does what they
// decide. Never uses the network. While the app writes it looks at least every 10 ms; an idle
// database costs one look in 2 s.
//
//   state      attachment  snapshot  each turn                  left by
//   Detached   none        -         tries to attach            adopt() -> Attached
//   Attached   one         here      captures, offers a job,    offer_job() -> Lent
//                                    checkpoints                detach() -> Detached
//   Lent       one         away      captures; no checkpoint,   the snapshot is back -> Attached
//                                    but a recall past the WAL  detach() -> Detaching
//                                    limit
//   Detaching  abandoned   away      waits                      the snapshot is back -> Detached
//   Halted     none, or    -         waits for the end          never
//              abandoned
//
// The answer to a job comes with the snapshot or after it, in every state but the first ones.
// JobSchedule remembers the job. During a stop, each turn also checks whether everything is stored
// (finish()). The deadline of the flush ends every state.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/attacher.hpp"
#include "walwrap/replication/attachment.hpp"
#include "walwrap/replication/attachment_check.hpp"
#include "walwrap/replication/capture/checkpointer.hpp"
#include "walwrap/replication/capture/settle_pause.hpp"
#include "walwrap/replication/capture/wal_watch.hpp"
#include "walwrap/replication/commit_tracker.hpp"
#include "walwrap/replication/job_schedule.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/upload/pace.hpp"
#include "walwrap/replication/upload_record.hpp"
#include "walwrap/replication/verdict.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"

namespace walwrap::replication {

class CaptureLoop {
 public:
  struct Options {
    os::Path database;
    std::string name;  // in log lines
    StateDir directory;
    RandomId run{};  // of walwrap: positions of another run are not valid
    Pace::Options pace = {};
    std::optional<Pace::Options> pace_of_waits = {};  // while a client waits; none: the same pace
    CheckpointLimits checkpoint = {};
    std::optional<wal::Position> stored_wal = {};  // from the saved state
    Txid txid = {};
    std::uint32_t stored_pages = 0;
    PageSize page_size = {};                                 // of the chain; 0: none yet
    std::unique_ptr<sqlite::CheckpointOwner> attached = {};  // before the app starts, if it exists
  };
  CaptureLoop(Options options, Mailboxes& mailboxes, const os::Clock& clock, const Log& log);
  // Only after the upload thread has ended.
  ~CaptureLoop();
  CaptureLoop(const CaptureLoop&) = delete;
  CaptureLoop& operator=(const CaptureLoop&) = delete;

  // Before the app starts: captures the attached database and empties its WAL. Otherwise run() does
  // it.
  void prepare();
  // Runs until a flush order is carried out or a quit order arrives: turns, and a wait after each.
  void run();
  // For a caller that runs the loop without a thread, after prepare(). Over: no turn follows.
  enum class Turn { Continues, Over };
  Turn turn();
  // When the next turn is due if nothing wakes the loop.
  MonoTime next_turn() const;
  // A wait has ended. `is_news`: the files at the path may be others.
  void on_waited(bool is_news);

 private:
  void check_invariants() const;
  void attach();
  void adopt(std::unique_ptr<sqlite::CheckpointOwner> owner);
  void note_not_attached(const Error& error) {
    note(error);
    errors_.attach = error.text;
  }
  bool check_content(Attachment& found);
  void detach(std::string_view reason, std::chrono::nanoseconds before_next = {});
  bool check_files();
  bool follow(const AttachmentCheck::Found& found);
  void on_foreign_write();
  bool settle_if_unused(const sqlite::IndexView& index);
  bool settle();
  void halt(const std::string& reason);
  void look();
  void take_answers();
  void take_answer(const UploadDone& done);
  void offer_job();
  bool can_mend() const { return attachment_->can_mend(mailboxes_.replica.get(), stored_.pages()); }
  Checkpointer::Situation situation() const;
  void checkpoint(const sqlite::IndexView& index);
  Result<void> capture_now();
  void publish();
  void note_replica();
  std::string error() const;
  bool finish(MonoTime deadline);
  bool is_mend_due() const;
  EndSight look_at_end();
  WalWatch::Situation watch_situation() const {
    return {is_attached(), is_attached() && attachment_->capture().has_pending(), is_finishing()};
  }
  void wait() { on_waited(watch_.wait(watch_situation(), next_turn())); }
  void note(const Error& error);
  Bytes lag() const;
  bool is_attached() const { return attachment_ != nullptr && !attachment_->is_abandoned(); }
  bool is_halted() const { return !halted_.empty(); }
  bool is_finishing() const { return orders_.flush.has_value(); }

  // What was attached in this run, now or before.
  struct Past {
    bool was_attached = false;
    bool left_unstored = false;  // of the earlier attachments
  };
  // "": no error.
  struct Errors {
    std::string attach{};  // why nothing is attached
    std::string upload{};  // of the last job
  };
  struct Seen {
    MonoTime last_commit{};
    MonoTime until{};  // every commit before this time was found
  };

  Options options_;
  Mailboxes& mailboxes_;
  const os::Clock& clock_;
  const Log& log_;
  WalWatch watch_;
  Attacher attacher_;
  std::unique_ptr<Attachment> attachment_;
  AttachmentCheck check_;
  Checkpointer checkpointer_;
  JobSchedule schedule_;
  CommitTracker tracker_;
  SettlePause settle_pause_;
  FailureEpisode episode_;  // of the capture

  Orders orders_;
  Past past_;
  Errors errors_;
  UploadRecord stored_;
  Seen seen_;
  std::string halted_;  // why replication has stopped for good; "": it has not
  bool is_prepared_ = false;
  bool is_checkpointed_ = false;  // at the end of a stop: the database is one file
  MonoTime next_replica_ask_{};
};

}  // namespace walwrap::replication
