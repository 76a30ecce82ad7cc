// Objects by key: the interface of a directory, S3 and other stores. It knows nothing of LTX.
//
// Keys are relative to the replica's root, parts joined by '/', no leading slash. A store is
// owned by one thread. Listings are in byte order of the key.
//
// Error codes: NotFound; Exists (create-only: the name is used and the object is unchanged);
// Denied; Unavailable (try again); Unknown (a write that may have happened: repeat the same bytes);
// Corrupt (damaged data in the store; an answer that cannot be read is Unavailable, and never means
// "empty"); Invalid (the root cannot be used, or it is another one now: rebind()).
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

// The kind of replica in a URL. It decides the key layout and the pace.
enum class StoreKind { File, S3 };

struct ObjectInfo {
  std::string key;
  Bytes size = 0;
  WallTime modified;
};

// The objects that one request lists, from the first key on.
struct FirstObjects {
  std::vector<ObjectInfo> objects;
  bool are_all = true;
};

// What prevents two create-only puts of one key from both succeeding.
enum class CreateOnly {
  Atomic,      // the store itself
  LookBefore,  // nothing: a check before the put, which both can pass
  NotKnown,    // the store, if it respects the condition of the request
};

// What the caller will do with a store. Only a directory uses it: a bucket exists or not.
enum class Access {
  Read,    // creates nothing: puts and removes are refused, and the root must exist
  Write,   // the root must exist
  Create,  // a missing root means that nothing is stored, and the first put creates it
};

// Distinguishes a place from another one with the same name: a directory's device and inode. For a
// bucket, which is identified by its name, always the same.
struct Place {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const Place&) const = default;
};

enum class PutMode {
  CreateOnly,  // Exists if the key is taken
  Replace,
};

// Writes the whole body to the given sink. Called once per attempt, and gives the same bytes each
// time.
using Body = std::function<Result<void>(const WriteFn& sink)>;
Body body_of(ByteSpan bytes);  // borrows `bytes`

// Whether a retrying store may repeat a put with this body.
enum class Repeat {
  UntilAnswered,
  Once,  // the source of the body must not be held during an outage
};

struct PutOptions {
  PutMode mode = PutMode::CreateOnly;
  std::optional<WallTime> timestamp{};  // kept so that a listing shows it
  Repeat repeat = Repeat::UntilAnswered;
};

struct ByteRange {
  Bytes offset = 0;
  Bytes length = 0;  // 0: to the end
};

// How long the caller of a store waits.
struct CallBudget {
  bool go_on = true;                   // false: end the operation in progress as Cancelled
  std::optional<MonoTime> deadline{};  // no attempt but the first begins at it or later
  bool hurry = false;                  // the next attempt begins within half a second
};
// Called often by the thread that owns the store. The result may change during a request: a stop
// begins, or a start is given up.
using CallBudgetFn = std::function<CallBudget()>;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Returns when the object is durable. The object is stored completely or not at all.
  virtual Result<void> put(const std::string& key, const Body& body, const PutOptions& options) = 0;
  // Writes the bytes of the range to `sink` in order. An object that is too short is Corrupt.
  virtual Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) = 0;
  virtual Result<ObjectInfo> head(const std::string& key) = 0;
  // Every object whose key starts with `prefix` and is greater than `start_after` ("": from the
  // start).
  virtual Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                               const std::string& start_after) = 0;
  // Of the whole store. If a listing is one request, all of them.
  virtual Result<FirstObjects> list_first();
  virtual Result<void> remove(const std::string& key) = 0;  // no error for an absent object
  // Removes each of them, or returns the first failure. Then it is unknown which ones were removed,
  // and repeating is safe. One by one, unless the store can remove several at once.
  virtual Result<void> remove_many(const std::vector<std::string>& keys);

  // From now on uses the place to which the name leads now, and returns which one it is. The caller
  // then checks whether it is the right one. One attempt, also in a retrying store. Errors:
  // Unavailable (the place is missing), Denied, Invalid.
  virtual Result<Place> rebind() { return Place{}; }

  virtual CreateOnly create_only() const { return CreateOnly::NotKnown; }

  // For people: "file:///replica".
  virtual std::string describe() const = 0;
};

// The whole object in memory; Invalid if it is larger than `limit`.
Result<ByteVector> get_all(ObjectStore& store, const std::string& key, Bytes limit);

}  // namespace walwrap::storage
