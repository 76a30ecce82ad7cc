// Objects by key: the seam behind which a directory, S3 and others lie. Knows nothing of LTX.
//
// Keys are relative to the replica's root, parts joined by '/', no leading slash. A store is
// owned by one thread. Listings are in byte order of the key.
//
// Error codes: NotFound; Exists (create-only, something else has the name, and it is untouched);
// Denied; Unavailable (try again); Unknown (a write that may have happened: repeat the same
// bytes); Corrupt (what is stored contradicts itself; an answer that cannot be understood is
// Unavailable, never "empty"); Invalid (the root is not usable as given, or is another one by now:
// rebind()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::storage {

// What kind of replica a URL names: decides the key layout and the pace.
enum class StoreKind { File, S3 };

struct ObjectInfo {
  std::string key;
  Bytes size = 0;
  WallTime modified;
};

// The objects that one request shows, from the first key on.
struct FirstObjects {
  std::vector<ObjectInfo> objects;
  bool are_all = true;
};

// What keeps two that create the same key from both succeeding.
enum class CreateOnly {
  Atomic,      // the store itself
  LookBefore,  // nothing: a look before the put, which both can pass at once
  NotKnown,    // the store, if it heeds the condition that it is sent
};

// What the caller will do with a store. Only a directory heeds it: a bucket exists or not.
enum class Access {
  Read,    // creates nothing: puts and removes are refused, and a root must be there
  Write,   // a root must be there
  Create,  // where there is no root, nothing is stored, and the first put makes it
};

// Tells a place from another one that has taken its name: a directory's device and inode. Of a
// bucket, whose name is all that it has, always the same.
struct Place {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const Place&) const = default;
};

enum class PutMode {
  CreateOnly,  // Exists if the key is taken
  Replace,
};

// Writes the whole body into the sink it is given; called once per attempt, and gives the same
// bytes each time.
using Body = std::function<Result<void>(const WriteFn& sink)>;
Body body_of(ByteSpan bytes);  // borrows `bytes`

// Whether a store that repeats may do so with this body.
enum class Repeat {
  UntilAnswered,
  Once,  // what the body reads from is not to be held through an outage
};

struct PutOptions {
  PutMode mode = PutMode::CreateOnly;
  std::optional<WallTime> timestamp{};  // kept where a listing shows it
  Repeat repeat = Repeat::UntilAnswered;
};

struct ByteRange {
  Bytes offset = 0;
  Bytes length = 0;  // 0: to the end
};

// How long a caller of a store is willing to wait.
struct CallBudget {
  bool go_on = true;                   // false: end what is under way, as Cancelled
  std::optional<MonoTime> deadline{};  // no attempt but the first begins at it or later
  bool hurry = false;                  // the next attempt begins within half a second
};
// Asked often, by the thread that owns the store; the answer may change while a request is under
// way: a stop begins, a start is given up.
using CallBudgetFn = std::function<CallBudget()>;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Returns when the object is durable. All or nothing.
  virtual Result<void> put(const std::string& key, const Body& body, const PutOptions& options) = 0;
  // Gives the bytes of the range to `sink`, in order. A short object is Corrupt.
  virtual Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) = 0;
  virtual Result<ObjectInfo> head(const std::string& key) = 0;
  // Every object whose key starts with `prefix` and is greater than `start_after` ("": from the
  // start).
  virtual Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                               const std::string& start_after) = 0;
  // Of the whole store; all of them, where a listing is one request.
  virtual Result<FirstObjects> list_first();
  virtual Result<void> remove(const std::string& key) = 0;  // of an absent object: fine
  // Each of them, or the first failure: which ones were removed then is unknown, and repeating is
  // fine. One by one, unless the store knows better.
  virtual Result<void> remove_many(const std::vector<std::string>& keys);

  // Takes the place that the name leads to now for the one to work on, and says which it is: the
  // caller then looks whether it is his. One attempt, also where calls are repeated. Errors:
  // Unavailable (nothing is there), Denied, Invalid.
  virtual Result<Place> rebind() { return Place{}; }

  virtual CreateOnly create_only() const { return CreateOnly::NotKnown; }

  // For people: "file:///replica".
  virtual std::string describe() const = 0;
};

// The whole object in memory; Invalid if it is larger than `limit`.
Result<ByteVector> get_all(ObjectStore& store, const std::string& key, Bytes limit);

}  // namespace walwrap::storage
