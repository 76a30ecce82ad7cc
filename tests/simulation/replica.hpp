// The replica of a simulated world: a store with faults, and what it holds, rebuilt naively.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/kernel.hpp"
#include "tests/support/fake_store.hpp"
#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::simulation {

using testing::FakeBucket;

// The store as all its clients share it. Faults that one call shows are FakeBucket's.
class Replica {
 public:
  Replica(storage::StoreKind kind, const Kernel& kernel);

  storage::StoreKind kind() const { return kind_; }
  // Calls of this host failed, or may have, since forget_faults().
  bool had_fault(int host) const { return had_fault_ || cut_since_.contains(host); }

  // `host`: whose calls they are; 0: the simulator's own.
  std::unique_ptr<storage::ObjectStore> open(int host = 0);
  FakeBucket& bucket() { return bucket_; }

  // kind: 0 unavailable, 1 denied, 2 the reply is lost, 3 half of the bytes, 4 throttled
  void fail_next(int calls, int kind);
  void set_down(bool is_down) {
    is_down_ = is_down;
    had_fault_ = true;
  }
  // No call of this host arrives, and all others do.
  void cut_off(int host) {
    cut_off_.insert(host);
    cut_since_.insert(host);
  }
  // What failed because of it is excused no longer.
  void join(int host) {
    cut_off_.erase(host);
    cut_since_.erase(host);
  }
  bool is_away(int host) const { return is_down_ || cut_off_.contains(host); }
  // An outage or a partition ends, and what it did is still excused.
  void reach(int host) {
    is_down_ = false;
    cut_off_.erase(host);
  }
  // The next put gets no answer, and takes effect after so many more calls.
  void delay_next_put(int calls) {
    delay_ = calls;
    had_fault_ = true;
  }
  // The network repeats the next put. 0: at once, and the client gets the answer to the second one.
  // Else the second one arrives so many calls later.
  void repeat_next_put(int calls) { repeat_ = calls; }
  void make_stale(int lists) {
    stale_ = lists;
    had_fault_ = had_fault_ || lists > 0;
  }
  // Removes the n-th file of the chain, as a rule of the bucket may. No rule of a bucket removes
  // what is newest. False: there is none.
  bool expire(int number);
  // The store has no fault from now on, and what was on its way has arrived. Who is cut off stays
  // so.
  void heal();
  void forget_faults() {
    had_fault_ = false;
    cut_since_ = cut_off_;
  }

  // What the database holds at each TXID that one can restore, by the obvious way: the uploads one
  // after the other, and where one is gone, the longest file that begins in time.
  std::map<Txid, ByteVector> rebuild_all() const;
  bool has_no_files() const;
  std::map<std::string, ByteVector> objects() const;

 private:
  friend class SimulatedStore;
  struct Late {
    int calls = 0;
    std::string key;
    ByteVector bytes;
    WallTime modified;
  };
  void tick();
  void land(const Late& put);

  storage::StoreKind kind_;
  replication::KeyStyle style_;
  const Kernel& kernel_;
  FakeBucket bucket_;
  bool is_down_ = false;
  bool had_fault_ = false;
  int delay_ = 0;
  std::optional<int> repeat_;
  int stale_ = 0;
  std::set<int> cut_off_;
  std::set<int> cut_since_;
  std::vector<Late> late_;
};

}  // namespace walwrap::simulation
