// Finds out what a client can restore: a listing of the store, on a thread of its
// own for as long as it takes.
//
// A listing costs a request for each thousand objects, so one that is fresh is not repeated: it may
// be as old as fifty times what it took, and ten seconds. ask() is for one thread, current() for
// any.
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
    // Its stores give up by themselves, within half a minute or so.
    StoreFactory open_store;
    KeyStyle style = KeyStyle::Directory;
    os::Wakeup* finished = nullptr;  // told when a listing has ended
    // Told, on the thread of the listing, that the newest state cannot be restored from what is
    // listed.
    std::function<void()> on_broken = [] {};
  };
  PointsLister(Options options, const os::Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  ~PointsLister();  // ends what is under way
  PointsLister(const PointsLister&) = delete;
  PointsLister& operator=(const PointsLister&) = delete;

  struct Current {
    bool running = false;
    std::optional<PointsFound> found;  // of the last that succeeded
    std::string error;                 // of the last; "": it succeeded, or there was none
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
