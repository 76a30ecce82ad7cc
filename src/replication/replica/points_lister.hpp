// Finds the restore points for clients: a listing of the store on its own thread.
//
// A listing costs one request per thousand objects, so a recent one is not repeated: it may be as
// old as ten seconds and fifty times its duration. ask() is for one thread, current() for any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/thread.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/points.hpp"
#include "walwrap/replication/replica/stored_file.hpp"

namespace walwrap::replication {

class PointsLister {
 public:
  struct Options {
    // Its stores give up on their own within about half a minute.
    StoreFactory open_store;
    KeyStyle style = KeyStyle::Directory;
    os::Wakeup* finished = nullptr;  // notified when a listing has ended
    // Called on the listing's thread if the newest state cannot be restored from the listed files.
    std::function<void()> on_broken = [] {};
  };
  PointsLister(Options options, const os::Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  ~PointsLister();  // ends a listing in progress
  PointsLister(const PointsLister&) = delete;
  PointsLister& operator=(const PointsLister&) = delete;

  struct Current {
    bool running = false;
    std::optional<PointsFound> found;  // of the last success
    std::string error;                 // of the last listing; "": it succeeded, or there was none
    MonoTime fresh_until{};
  };
  void ask();
  Current current() const { return current_.get(); }

 private:
  void list();
  Result<PointsFound> find();

  Options options_;
  const os::Clock& clock_;
  os::Published<Current> current_;
  os::Published<bool> stopped_{false};
  os::Thread thread_;
};

}  // namespace walwrap::replication
