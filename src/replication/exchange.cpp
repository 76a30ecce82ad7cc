#include "walwrap/replication/exchange.hpp"

namespace walwrap::replication {

Result<std::unique_ptr<Exchange>> Exchange::create() {
  auto inquiry = TRY(Inquiry::create());
  auto capture = TRY(os::Wakeup::create());
  auto upload = TRY(os::Wakeup::create());
  auto main = TRY(os::Wakeup::create());
  return std::unique_ptr<Exchange>(
      new Exchange(std::move(inquiry), std::move(capture), std::move(upload), std::move(main)));
}

void Exchange::tell_outage(std::string_view why) {
  outage.set(std::string(why));
  capture_wakeup.notify();
}

void Exchange::ask_replica_look(LookAt what) {
  replica_look.update([what](std::optional<LookAt>& wanted) {
    wanted = what == LookAt::Chain ? what : wanted.value_or(what);
  });
  upload_wakeup.notify();
}

}  // namespace walwrap::replication
