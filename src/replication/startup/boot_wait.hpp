// The waits of a start for a store or a lock, limited to the time in which waiting can help.
#pragma once

#include <chrono>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/startup/boot_request.hpp"

namespace walwrap::replication {

class BootWait {
 public:
  BootWait(const BootRequest& request, const os::Clock& clock, const Log& log)
      : request_(request),
        clock_(clock),
        log_(log),
        give_up_(clock.mono() + request.start_timeout) {}

  MonoTime give_up() const { return give_up_; }
  // Waits before the next try. Returns the error if further waiting cannot help.
  Result<void> after(const Error& error);
  Result<void> pause(std::chrono::milliseconds pause) const;  // Cancelled

 private:
  const BootRequest& request_;
  const os::Clock& clock_;
  const Log& log_;
  MonoTime give_up_;
  bool is_said_ = false;
  int denials_ = 0;
};

}  // namespace walwrap::replication
