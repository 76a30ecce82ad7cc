#include "walwrap/replication/attachment_check.hpp"

#include "walwrap/base/check.hpp"
#include "walwrap/replication/capture_log.hpp"

namespace walwrap::replication {
namespace {

// Most programs that overwrite a database have finished by then.
constexpr std::chrono::milliseconds kWritten{20};

}  // namespace

AttachmentCheck::Found AttachmentCheck::check(Attachment& attachment, Attachment::Checkpoints who,
                                              bool is_finishing) {
  WW_CHECK(!attachment.is_abandoned());
  const auto at_path = DatabaseFiles::at(database_);
  const auto difference = attachment.difference(at_path);
  // This reads all locks of the system, so it is done only where the result matters.
  const auto others =
      difference == Difference::None ? OtherUsers::NotKnown : attachment.other_users();
  switch (react_to(difference, others, is_finishing)) {
    case Reaction::GoOn:
      error_.clear();
      break;
    case Reaction::KeepReading:
      if (!error_.empty()) break;
      error_ = log_missing_file(log_, name_, difference);
      break;
    case Reaction::CheckpointReattach:
      return {.next = Next::Settle, .reason = describe(difference)};
    case Reaction::Reattach:
      if (difference == Difference::DatabaseReplaced) doubt_.on_replaced(attachment, at_path);
      doubt_.on_changed();
      return {.next = Next::Detach, .reason = describe(difference)};
  }
  // Missing information about the path is no proof of a foreign write.
  if (!at_path.is_told() || attachment.is_content_known(*at_path.database, who)) return {};
  return on_foreign_write(attachment);
}

AttachmentCheck::Found AttachmentCheck::on_foreign_write(Attachment& attachment) {
  // The WAL does not know of that write, so its commits must not be applied to the file.
  doubt_.on_replaced(attachment, DatabaseFiles::at(database_));
  doubt_.on_changed();
  return {.next = Next::Detach,
          .reason = "another program wrote to the database file, or SQLite in another journal mode",
          .pause = kWritten};
}

}  // namespace walwrap::replication
