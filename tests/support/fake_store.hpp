// A store in memory, with a record of its calls and with faults to order.
//
// FakeBucket holds the objects; any number of FakeStores, one per thread, work on it and must not
// outlive it. Faults are planned by operation number, counted from 1 over all stores of the bucket.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "walwrap/storage/object_store.hpp"

namespace walwrap::testing {

enum class StoreOperation { Put, Get, Head, List, Remove };

struct StoreCall {
  StoreOperation operation = StoreOperation::Get;
  std::string key;  // or prefix
  storage::ByteRange range;
  bool operator==(const StoreCall& other) const {
    return operation == other.operation && key == other.key && range.offset == other.range.offset &&
           range.length == other.range.length;
  }
};

struct StoreFault {
  enum class Kind {
    Error,      // nothing happens, and `code` is returned
    LostReply,  // a put or remove takes effect, yet `code` is returned; else as Error
    Truncated,  // a get gives half of the bytes, then `code`; a put stops half-way; else as Error
    Stale,      // a list does not show the newest object; no fault for the rest
  };
  Kind kind = Kind::Error;
  Code code = Code::Unavailable;
  std::chrono::milliseconds retry_after{0};

  static StoreFault error(Code code) { return {.kind = Kind::Error, .code = code}; }
  static StoreFault lost_reply() { return {.kind = Kind::LostReply, .code = Code::Unknown}; }
  static StoreFault truncated(Code code = Code::Unavailable) {
    return {.kind = Kind::Truncated, .code = code};
  }
  static StoreFault stale_list() { return {.kind = Kind::Stale}; }
};

class FaultPlan {
 public:
  void fail(int operation, StoreFault fault) {
    const std::lock_guard lock(mutex_);
    faults_.insert_or_assign(operation, fault);
  }
  // The next `count` operations fail.
  void fail_next(int count, StoreFault fault) {
    const std::lock_guard lock(mutex_);
    for (int i = 1; i <= count; ++i) faults_.insert_or_assign(operations_ + i, fault);
  }
  // Every operation fails, until nullopt.
  void fail_all(std::optional<StoreFault> fault) {
    const std::lock_guard lock(mutex_);
    always_ = fault;
  }
  // No fault from now on.
  void forget() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
    always_.reset();
  }
  int operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
  }
  // All planned operations have come.
  bool is_spent() const {
    const std::lock_guard lock(mutex_);
    return faults_.empty() || operations_ >= faults_.rbegin()->first;
  }

  std::optional<StoreFault> begin_operation() {
    const std::lock_guard lock(mutex_);
    ++operations_;
    if (always_) return always_;
    const auto found = faults_.find(operations_);
    return found == faults_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<int, StoreFault> faults_;
  std::optional<StoreFault> always_;
  int operations_ = 0;
};

// Runs with a fault at operation 1, 2, ... until a run meets none; and so for each kind of fault.
template <typename Run>
void for_each_fault(Run run) {
  for (const StoreFault fault :
       {StoreFault::error(Code::Unavailable), StoreFault::error(Code::Denied),
        StoreFault::lost_reply(), StoreFault::truncated(), StoreFault::stale_list()}) {
    for (int operation = 1;; ++operation) {
      WW_CHECK(operation < 10'000);  // a run whose work grows with each fault would never end
      FaultPlan faults;
      faults.fail(operation, fault);
      run(faults);
      if (!faults.is_spent()) break;
    }
  }
}

class FakeBucket {
 public:
  FakeBucket() : faults_(own_faults_) {}
  explicit FakeBucket(FaultPlan& faults) : faults_(faults) {}

  FaultPlan& faults() { return faults_; }
  // Called at the start of each operation, outside of any lock: what another writer does just then.
  std::function<void(const StoreCall&)> on_call;
  // The modification time of objects put without one.
  std::function<WallTime()> now = [] { return WallTime{}; };
  std::size_t page = 1000;  // of what list_first() shows

  std::vector<std::string> keys() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects_) keys.push_back(key);
    return keys;
  }
  // nullopt: there is none.
  std::optional<ByteVector> bytes_of(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? std::nullopt : std::optional(found->second.bytes);
  }
  // Whatever is there is replaced; no call, no fault.
  void set(const std::string& key, ByteSpan bytes, WallTime modified = {}) {
    const std::lock_guard lock(mutex_);
    set_locked(key, {ByteVector(bytes.begin(), bytes.end()), modified});
  }
  void erase(const std::string& key) {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
  }

  std::vector<StoreCall> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  int count(StoreOperation operation) const {
    const std::lock_guard lock(mutex_);
    int count = 0;
    for (const StoreCall& call : calls_) count += call.operation == operation ? 1 : 0;
    return count;
  }
  void forget_calls() {
    const std::lock_guard lock(mutex_);
    calls_.clear();
  }

 private:
  friend class FakeStore;
  struct Object {
    ByteVector bytes;
    WallTime modified;
  };

  std::optional<StoreFault> begin(StoreCall call) {
    if (on_call) on_call(call);
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    return faults_.begin_operation();
  }
  void set_locked(const std::string& key, Object object) {
    objects_.insert_or_assign(key, std::move(object));
    newest_ = key;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::string newest_;
  std::vector<StoreCall> calls_;
  FaultPlan own_faults_;
  FaultPlan& faults_;
};

class FakeStore : public storage::ObjectStore {
 public:
  explicit FakeStore(FakeBucket& bucket) : bucket_(bucket) {}

  Result<void> put(const std::string& key, const storage::Body& body,
                   const storage::PutOptions& options) override {
    const auto fault = bucket_.begin({StoreOperation::Put, key, {}});
    if (is(fault, StoreFault::Kind::Error)) return injected(*fault);
    FakeBucket::Object object;
    object.modified = options.timestamp ? *options.timestamp : bucket_.now();
    TRY(body([&](ByteSpan bytes) -> Result<void> {
      object.bytes.insert(object.bytes.end(), bytes.begin(), bytes.end());
      if (is(fault, StoreFault::Kind::Truncated)) return injected(*fault);
      return {};
    }));
    if (is(fault, StoreFault::Kind::Truncated)) return injected(*fault);
    const std::lock_guard lock(bucket_.mutex_);
    const bool is_taken = bucket_.objects_.contains(key);
    const bool is_refused = is_taken && options.mode == storage::PutMode::CreateOnly;
    if (!is_refused) bucket_.set_locked(key, std::move(object));
    if (is(fault, StoreFault::Kind::LostReply)) return injected(*fault);
    if (is_refused) return fail(Code::Exists, "{} already exists", key);
    return {};
  }

  Result<void> get(const std::string& key, storage::ByteRange range, const WriteFn& sink) override {
    const auto fault = bucket_.begin({StoreOperation::Get, key, range});
    if (is_error(fault)) return injected(*fault);
    const auto bytes = bucket_.bytes_of(key);
    if (!bytes) return fail(Code::NotFound, "{} is not there", key);
    if (range.offset > bytes->size() || range.length > bytes->size() - range.offset) {
      return fail(Code::Corrupt, "{} has {} bytes only", key, bytes->size());
    }
    auto wanted = ByteSpan(*bytes).subspan(static_cast<std::size_t>(range.offset));
    if (range.length != 0) wanted = wanted.first(static_cast<std::size_t>(range.length));
    // In two pieces, so that nobody relies on one.
    const auto half = wanted.size() / 2;
    if (half > 0) TRY(sink(wanted.first(half)));
    if (is(fault, StoreFault::Kind::Truncated)) return injected(*fault);
    if (half < wanted.size()) TRY(sink(wanted.subspan(half)));
    return {};
  }

  Result<storage::ObjectInfo> head(const std::string& key) override {
    const auto fault = bucket_.begin({StoreOperation::Head, key, {}});
    if (is_error(fault) || is(fault, StoreFault::Kind::Truncated)) return injected(*fault);
    const std::lock_guard lock(bucket_.mutex_);
    const auto found = bucket_.objects_.find(key);
    if (found == bucket_.objects_.end()) return fail(Code::NotFound, "{} is not there", key);
    return storage::ObjectInfo{key, found->second.bytes.size(), found->second.modified};
  }

  Result<std::vector<storage::ObjectInfo>> list(const std::string& prefix,
                                                const std::string& start_after) override {
    const auto fault = bucket_.begin({StoreOperation::List, prefix, {}});
    if (is_error(fault) || is(fault, StoreFault::Kind::Truncated)) return injected(*fault);
    const std::lock_guard lock(bucket_.mutex_);
    std::vector<storage::ObjectInfo> found;
    for (const auto& [key, object] : bucket_.objects_) {
      if (!key.starts_with(prefix) || key <= start_after) continue;
      if (is(fault, StoreFault::Kind::Stale) && key == bucket_.newest_) continue;
      found.push_back({key, object.bytes.size(), object.modified});
    }
    return found;
  }

  Result<storage::FirstObjects> list_first() override {
    auto objects = TRY(list("", ""));
    const bool are_all = objects.size() <= bucket_.page;
    if (!are_all) objects.resize(bucket_.page);
    return storage::FirstObjects{.objects = std::move(objects), .are_all = are_all};
  }

  Result<void> remove(const std::string& key) override {
    const auto fault = bucket_.begin({StoreOperation::Remove, key, {}});
    if (is(fault, StoreFault::Kind::Error) || is(fault, StoreFault::Kind::Truncated)) {
      return injected(*fault);
    }
    bucket_.erase(key);
    if (is(fault, StoreFault::Kind::LostReply)) return injected(*fault);
    return {};
  }

  std::string describe() const override { return "fake://bucket"; }

 private:
  static bool is(const std::optional<StoreFault>& fault, StoreFault::Kind kind) {
    return fault && fault->kind == kind;
  }
  // For operations that change nothing.
  static bool is_error(const std::optional<StoreFault>& fault) {
    return is(fault, StoreFault::Kind::Error) || is(fault, StoreFault::Kind::LostReply);
  }
  static Failure injected(const StoreFault& fault) {
    return walwrap::fail(Error{fault.code, "injected fault", fault.retry_after});
  }

  FakeBucket& bucket_;
};

// Overwrites what it should only create, and says of that what it is told to say.
class CarelessStore : public FakeStore {
 public:
  CarelessStore(FakeBucket& bucket, storage::CreateOnly says) : FakeStore(bucket), says_(says) {}
  Result<void> put(const std::string& key, const storage::Body& body,
                   const storage::PutOptions& options) override {
    auto replacing = options;
    replacing.mode = storage::PutMode::Replace;
    return FakeStore::put(key, body, replacing);
  }
  storage::CreateOnly create_only() const override { return says_; }

 private:
  storage::CreateOnly says_;
};

}  // namespace walwrap::testing
