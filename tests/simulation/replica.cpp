#include "tests/simulation/replica.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "tests/support/ltx_files.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/upload/store_profile.hpp"

namespace walwrap::simulation {

using replication::StoredFile;
using testing::FakeStore;
using testing::StoreFault;

// Each call is a point at which its process may die or something else may happen.
class SimulatedStore : public storage::ObjectStore {
 public:
  SimulatedStore(Replica& replica, int host)
      : replica_(replica), host_(host), store_(replica.bucket_) {}

  Result<void> put(const std::string& key, const storage::Body& body,
                   const storage::PutOptions& options) override {
    TRY(begin());
    if (const int delay = std::exchange(replica_.delay_, 0); delay > 0) {
      TRY(put_later(delay, key, body, options));
      return fail(Code::Unknown, "no answer in time");
    }
    const auto repeat = std::exchange(replica_.repeat_, std::nullopt);
    if (repeat.value_or(0) > 0) TRY(put_later(*repeat, key, body, options));
    TRY(store_.put(key, body, options));
    return repeat == 0 ? store_.put(key, body, options) : Result<void>();
  }
  Result<void> get(const std::string& key, storage::ByteRange range, const WriteFn& sink) override {
    TRY(begin());
    return store_.get(key, range, sink);
  }
  Result<storage::ObjectInfo> head(const std::string& key) override {
    TRY(begin());
    return store_.head(key);
  }
  Result<std::vector<storage::ObjectInfo>> list(const std::string& prefix,
                                                const std::string& start_after) override {
    TRY(begin());
    if (replica_.stale_ > 0) {
      --replica_.stale_;
      replica_.bucket_.faults().fail_next(1, StoreFault::stale_list());
    }
    return store_.list(prefix, start_after);
  }
  Result<storage::FirstObjects> list_first() override {
    TRY(begin());
    return store_.list_first();
  }
  Result<void> remove(const std::string& key) override {
    TRY(begin());
    return store_.remove(key);
  }
  // A directory is one that can be told from others, so it is looked at around each upload.
  Result<storage::Place> rebind() override {
    const bool is_directory = replica_.kind_ == storage::StoreKind::File;
    return is_directory ? storage::Place{.device = 1, .inode = 1} : storage::Place{};
  }
  std::string describe() const override { return "simulated"; }

 private:
  Result<void> begin() {
    Kernel* kernel = Kernel::current();
    if (!kernel->enter(Point::Store)) return fail(Code::Cancelled, "the process is gone");
    replica_.tick();
    if (replica_.is_away(host_)) return fail(Code::Unavailable, "the store is away");
    return {};
  }

  Result<void> put_later(int calls, const std::string& key, const storage::Body& body,
                         const storage::PutOptions& options) {
    Replica::Late late{.calls = calls, .key = key, .bytes = {}, .modified = {}};
    if (options.timestamp) late.modified = *options.timestamp;
    TRY(body([&](ByteSpan bytes) -> Result<void> {
      late.bytes.insert(late.bytes.end(), bytes.begin(), bytes.end());
      return {};
    }));
    replica_.late_.push_back(std::move(late));
    return {};
  }

  Replica& replica_;
  int host_;
  FakeStore store_;
};

Replica::Replica(storage::StoreKind kind, const Kernel& kernel)
    : kind_(kind), style_(replication::key_style_of(kind)), kernel_(kernel) {
  bucket_.now = [this] {
    return WallTime(std::chrono::floor<std::chrono::milliseconds>(kernel_.wall()));
  };
}

std::unique_ptr<storage::ObjectStore> Replica::open(int host) {
  return std::make_unique<SimulatedStore>(*this, host);
}

void Replica::fail_next(int calls, int kind) {
  had_fault_ = true;
  static const StoreFault kFaults[] = {StoreFault::error(Code::Unavailable),
                                       StoreFault::error(Code::Denied),
                                       StoreFault::lost_reply(),
                                       StoreFault::truncated(),
                                       {.kind = StoreFault::Kind::Error,
                                        .code = Code::Unavailable,
                                        .retry_after = std::chrono::seconds(1)}};
  bucket_.faults().fail_next(calls, kFaults[static_cast<std::size_t>(kind) % std::size(kFaults)]);
}

void Replica::tick() {
  std::vector<Late> waiting;
  for (Late& put : std::exchange(late_, {})) {
    if (--put.calls > 0) {
      waiting.push_back(std::move(put));
    } else {
      land(put);
    }
  }
  late_ = std::move(waiting);
}

// All of our puts are create-only.
void Replica::land(const Late& put) {
  if (!bucket_.bytes_of(put.key)) bucket_.set(put.key, put.bytes, put.modified);
}

bool Replica::expire(int number) {
  std::vector<StoredFile> files;
  for (const std::string& key : bucket_.keys()) {
    if (const auto file = replication::parse_key(style_, key)) files.push_back(*file);
  }
  std::erase_if(files, [newest = replication::extent_of(files).newest_upload](const auto& file) {
    return file.level == kUploadLevel && file.txids.last == newest;
  });
  if (static_cast<std::size_t>(number) >= files.size()) return false;
  const auto& file = files[static_cast<std::size_t>(number)];
  bucket_.erase(replication::file_key(style_, file.level, file.txids));
  return true;
}

bool Replica::has_no_files() const {
  const auto keys = bucket_.keys();
  return std::none_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return replication::parse_key(style_, key).has_value();
  });
}

void Replica::heal() {
  is_down_ = false;
  delay_ = 0;
  stale_ = 0;
  repeat_.reset();
  bucket_.faults().forget();
  for (const Late& put : std::exchange(late_, {})) land(put);
}

std::map<std::string, ByteVector> Replica::objects() const {
  std::map<std::string, ByteVector> objects;
  for (const auto& key : bucket_.keys())
    objects[key] = bucket_.bytes_of(key).value_or(ByteVector{});
  return objects;
}

namespace {

// The file's pages over the image.
void apply(const testing::DecodedLtx& file, ByteVector& image) {
  const std::size_t page = file.header.page_size.value;
  image.resize(std::size_t{file.header.commit} * page);
  for (const auto& [pgno, bytes] : file.pages) {
    std::copy(bytes.begin(), bytes.end(),
              image.begin() + static_cast<std::ptrdiff_t>((pgno - 1) * page));
  }
}

}  // namespace

std::map<Txid, ByteVector> Replica::rebuild_all() const {
  std::vector<StoredFile> files;
  for (const auto& key : bucket_.keys()) {
    if (const auto file = replication::parse_key(style_, key)) files.push_back(*file);
  }
  std::map<Txid, ByteVector> images;
  Txid reach{0};
  ByteVector image;
  while (true) {
    // An upload if there is one: then what was compacted does not count.
    const StoredFile* next = nullptr;
    for (const StoredFile& file : files) {
      const bool fits = file.txids.first <= reach.next() && file.txids.last > reach;
      const bool is_whole = file.level != kSnapshotLevel || file.txids.first == Txid{1};
      if (!fits || !is_whole) continue;
      const bool is_nearer = next == nullptr || file.txids.last < next->txids.last ||
                             (file.txids.last == next->txids.last && file.level < next->level);
      if (is_nearer) next = &file;
    }
    if (next == nullptr) return images;
    const auto bytes =
        bucket_.bytes_of(replication::file_key(style_, next->level, next->txids)).value();
    const auto decoded = testing::decode_ltx(bytes);
    if (!decoded) return images;
    apply(*decoded, image);
    reach = next->txids.last;
    images[reach] = image;
  }
}

}  // namespace walwrap::simulation
