// The capture thread of one database: attach, wake, capture, offer uploads, checkpoint, finish.
//
// Asks the pure parts (Pace, and CheckpointPolicy by way of Checkpointer) and does what they say.
// Never touches the network. While the app writes it looks every 10 ms at most; an idle database
// costs one look every 2 s.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/attacher.hpp"
#include "walwrap/replication/attachment.hpp"
#include "walwrap/replication/capture/checkpointer.hpp"
#include "walwrap/replication/capture/settle_pause.hpp"
#include "walwrap/replication/capture/wal_watch.hpp"
#include "walwrap/replication/commit_tracker.hpp"
#include "walwrap/replication/doubt.hpp"
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
    RandomId run{};  // of walwrap: positions of another run are not ours
    Pace::Options pace = {};
    std::optional<Pace::Options> pace_of_waits = {};  // while a client waits; none: no other
    CheckpointLimits checkpoint = {};
    std::optional<wal::Position> stored_wal = {};  // from the saved state
    Txid txid = {};
    std::uint32_t stored_pages = 0;
    PageSize page_size = {};                                 // of the chain; 0: none yet
    std::unique_ptr<sqlite::CheckpointOwner> attached = {};  // before the app starts, if it exists
  };
  CaptureLoop(Options options, Mailboxes& mailboxes, const os::Clock& clock, const Log& log);
  // When the upload thread has ended.
  ~CaptureLoop();
  CaptureLoop(const CaptureLoop&) = delete;
  CaptureLoop& operator=(const CaptureLoop&) = delete;

  // Before the app starts: what was attached is captured, and nothing is left in its WAL. Else
  // run() does it.
  void prepare();
  // Until a flush order has been carried out, or a quit order came.
  void run();

 private:
  void attach();
  void adopt(std::unique_ptr<sqlite::CheckpointOwner> owner);
  void note_not_attached(const Error& error);
  bool check_content(Attachment& found);
  void detach(std::string_view reason, std::chrono::nanoseconds before_next = {});
  bool check_files();
  void on_foreign_write();
  bool settle_if_unused(const sqlite::IndexView& index);
  bool settle();
  void halt(const std::string& reason);
  void look();
  void take_answers();
  void take_answer(const UploadDone& done);
  void offer_job();
  Checkpointer::Situation situation() const;
  void checkpoint(const sqlite::IndexView& index);
  Result<void> capture_now();
  void publish();
  void note_replica();
  std::string error() const;
  bool finish(MonoTime deadline);
  bool is_mend_due() const;
  EndSight look_at_end();
  void wait();
  void note(const Error& error);
  Bytes lag() const;
  bool is_attached() const { return attachment_ != nullptr && !detaching_; }
  bool is_finishing() const { return orders_.flush.has_value(); }

  Options options_;
  Mailboxes& mailboxes_;
  const os::Clock& clock_;
  const Log& log_;
  WalWatch watch_;
  Attacher attacher_;

  std::unique_ptr<Attachment> attachment_;
  Doubt doubt_;
  Checkpointer checkpointer_;
  Paces pace_;
  CommitTracker tracker_;

  Orders orders_;
  bool halted_ = false;     // nothing will be replicated any more; trouble_ says why
  bool detaching_ = false;  // the file was replaced, and the uploader still has the snapshot
  bool is_prepared_ = false;
  bool was_attached_ = false;
  bool has_left_unstored_ = false;  // of what was attached before
  std::string attach_error_;        // why nothing is attached
  std::string files_error_;         // of what is attached
  bool job_out_ = false;
  bool job_is_paced_ = true;   // nobody asked for it
  bool wants_frames_ = false;  // the next job is to come with every frame
  Bytes job_bytes_ = 0;
  std::uint64_t snapshot_asked_ = 0;  // newest ticket; the one that the job is for
  std::uint64_t snapshot_out_ = 0;
  Txid txid_;
  std::uint32_t stored_pages_ = 0;
  MonoTime looked_{};  // every commit before then was found
  StoredUpTo job_covers_;
  RandomId job_of_;  // the attachment that the job belongs to
  StoredUpTo stored_;
  UploadRecord uploads_;
  std::string error_;
  bool checkpointed_ = false;
  FailureEpisode episode_;

  MonoTime last_commit_{};
  MonoTime next_job_{};
  SettlePause settle_pause_;
  MonoTime next_replica_ask_{};
};

}  // namespace walwrap::replication
