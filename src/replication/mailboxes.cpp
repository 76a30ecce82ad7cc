#include "walwrap/replication/mailboxes.hpp"

#include <utility>

namespace walwrap::replication {

Result<std::unique_ptr<Mailboxes>> Mailboxes::create() {
  auto sync_requests = TRY(SyncRequests::create());
  auto capture = TRY(os::Wakeup::create());
  auto upload = TRY(os::Wakeup::create());
  auto main = TRY(os::Wakeup::create());
  return std::unique_ptr<Mailboxes>(new Mailboxes(std::move(sync_requests), std::move(capture),
                                                  std::move(upload), std::move(main)));
}

void Mailboxes::tell_outage(std::string_view reason) {
  outage.set(std::string(reason));
  capture_wakeup.notify();
}

SnapshotLease::Home Mailboxes::snapshot_home() {
  recalled.set(false);
  return {.give_back =
              [this](std::unique_ptr<sqlite::Snapshot> ended) {
                // There is only one snapshot, so the box is empty.
                snapshot.offer(std::move(ended));
                capture_wakeup.notify();
              },
          .is_recalled = [this] { return recalled.get(); }};
}

void Mailboxes::ask_replica_look(LookAt what) {
  replica_look.update([what](std::optional<LookAt>& wanted) {
    wanted = what == LookAt::Chain ? what : wanted.value_or(what);
  });
  upload_wakeup.notify();
}

}  // namespace walwrap::replication
