// Notifies everything outside that waits for the app: a service manager, a descriptor, a file.
//
// It never waits for a reader, and no failure is fatal: each is logged once. Owned by init's one
// thread.
#pragma once

#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/supervisor/service_manager.hpp"

namespace walwrap::supervisor {

struct AnnouncerOptions {
  std::string manager_socket;   // as in NOTIFY_SOCKET; "": no manager
  bool app_says_ready = false;  // the app notifies the manager itself
  os::Path ready_file;          // holds the app's pid while it runs; "": none
  os::Fd ready_descriptor;      // gets one newline and is closed; not open: none
};

class Notifier {
 public:
  // Removes a ready file of an earlier run.
  Notifier(AnnouncerOptions options, const Log& log);

  void announce(const Announcement& what);

 private:
  void make_ready(os::Pid app);
  void unmake_ready();
  void tell_manager(const Announcement& what);

  AnnouncerOptions options_;
  const Log& log_;
  bool has_complained_ = false;
};

}  // namespace walwrap::supervisor
