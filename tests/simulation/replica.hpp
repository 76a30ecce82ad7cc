// The replica of a simulated world: a store with faults, and what it holds, rebuilt naively.
#pragma once

#include <functional>
#include <map>
#include <memory>
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
  // Since the last heal(): calls failed, or may have.
  bool had_fault() const { return had_fault_; }

  std::unique_ptr<storage::ObjectStore> open();
  FakeBucket& bucket() { return bucket_; }

  // kind: 0 unavailable, 1 denied, 2 the reply is lost, 3 half of the bytes, 4 throttled
  void fail_next(int calls, int kind);
  void set_down(bool is_down) {
    is_down_ = is_down;
    had_fault_ = true;
  }
  bool is_down() const { return is_down_; }
  // The next put gets no answer, and takes effect after so many more calls.
  void delay_next_put(int calls) {
    delay_ = calls;
    had_fault_ = true;
  }
  void make_stale(int lists) {
    stale_ = lists;
    had_fault_ = had_fault_ || lists > 0;
  }
  // Removes the n-th file of the chain, as a rule of the bucket may. False: there is none.
  bool expire(int number);
  // No fault from now on, and what was on its way has arrived.
  void heal();
  void forget_faults() { had_fault_ = false; }

  // What the database holds at each TXID that one can restore, by the obvious way: the uploads one
  // after the other, and where one is gone, the longest file that begins in time.
  std::map<Txid, ByteVector> rebuild_all() const;
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
  int stale_ = 0;
  std::vector<Late> late_;
};

}  // namespace walwrap::simulation
