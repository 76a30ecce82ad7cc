#include "walwrap/replication/attachment.hpp"

#include <utility>

namespace walwrap::replication {

Result<std::unique_ptr<Attachment>> Attachment::open(std::unique_ptr<sqlite::CheckpointOwner> owner,
                                                     std::optional<wal::Position> stored) {
  std::unique_ptr<Attachment> made(new Attachment);
  made->owner_ = std::move(owner);
  made->capture_ = TRY(Capture::open(*made->owner_, stored));
  made->snapshot_ = TRY(sqlite::Snapshot::open(*made->owner_));
  return made;
}

}  // namespace walwrap::replication
