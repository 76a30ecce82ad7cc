#include "walwrap/sqlite/checkpoint_owner.hpp"

#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include "walwrap/os/open_files.hpp"
#include "walwrap/os/record_lock.hpp"
#include "walwrap/sqlite/journal_mode.hpp"
#include "walwrap/sqlite/shim.hpp"

namespace walwrap::sqlite {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kIndexRegionBytes = 32'768;  // SQLite's WALINDEX_PGSZ, region 0
constexpr int kIndexLooks = 100;           // a writer publishes within microseconds
constexpr microseconds kIndexLookPause{20};
constexpr int kAbandonedLooks = 10;  // at a header that stays half-published
constexpr milliseconds kAbandonedPause{1};
constexpr milliseconds kAttachPatience{20};  // per try; the caller tries again
constexpr microseconds kLockPause{100};
constexpr milliseconds kBlockSpin{1};  // several short commits
constexpr microseconds kBlockPause{25};
constexpr std::uint32_t kBlockTailFrames = 64;  // small enough to copy within a millisecond or two
constexpr int kBlockPasses = 3;

constexpr const char* kReadOnce = "BEGIN; SELECT 1 FROM sqlite_master LIMIT 1; COMMIT";
constexpr const char* kBeginRead = "BEGIN; SELECT 1 FROM sqlite_master LIMIT 1";
constexpr const char* kEnd = "ROLLBACK";

// Ends the transaction of `connection` when the scope ends.
class TransactionEnd {
 public:
  explicit TransactionEnd(Connection& connection) : connection_(connection) {}
  ~TransactionEnd() {
    if (sqlite3_get_autocommit(connection_.handle()) == 0) {
      ignore(connection_.execute(kEnd), "a rollback of nothing written cannot fail usefully");
    }
  }
  TransactionEnd(const TransactionEnd&) = delete;
  TransactionEnd& operator=(const TransactionEnd&) = delete;

 private:
  Connection& connection_;
};

// A pause between two short commits lasts microseconds, and a sleeping thread misses most of them.
// A thread that spins on the CPU that the app needs misses all of them, so it spins briefly only.
void wait_for_gap(MonoTime now, MonoTime spin_until) {
  if (now < spin_until) {
    std::this_thread::yield();
  } else {
    os::pause_for(kBlockPause);
  }
}

// True if it was free. The lock is then held, and the caller must release it.
Result<bool> try_lock(Connection& connection, int slot, int how = SQLITE_SHM_EXCLUSIVE) {
  const int code = lock_without_shim(connection.file(), slot, SQLITE_SHM_LOCK | how);
  if (code == SQLITE_OK) return true;
  if (code == SQLITE_BUSY) return false;
  return sqlite_failure(nullptr, code, "lock the WAL index");
}

// Releases a lock when the scope ends.
class LockEnd {
 public:
  LockEnd(Connection& connection, int slot) : connection_(connection), slot_(slot) {}
  ~LockEnd() {
    lock_without_shim(connection_.file(), slot_, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  }
  LockEnd(const LockEnd&) = delete;
  LockEnd& operator=(const LockEnd&) = delete;

 private:
  Connection& connection_;
  int slot_;
};

// Lets a connection take the write lock until the end of a scope.
class MayWrite {
 public:
  explicit MayWrite(Connection& connection) : file_(connection.file()) {
    set_write_lock(file_, WriteLock::Allowed);
  }
  ~MayWrite() { set_write_lock(file_, WriteLock::Refused); }
  MayWrite(const MayWrite&) = delete;
  MayWrite& operator=(const MayWrite&) = delete;

 private:
  sqlite3_file* file_;
};

// Copies `size` bytes word by word, because other processes may be writing them.
template <std::size_t Size>
std::array<std::byte, Size> copy_shared(const volatile std::byte* from) {
  static_assert(Size % sizeof(std::uint32_t) == 0);
  std::array<std::byte, Size> copy{};
  const auto* words = reinterpret_cast<const volatile std::uint32_t*>(from);
  for (std::size_t i = 0; i < Size / sizeof(std::uint32_t); ++i) {
    const std::uint32_t word = words[i];
    const auto bytes = std::as_bytes(std::span(&word, 1));
    std::copy(bytes.begin(), bytes.end(), copy.begin() + static_cast<std::ptrdiff_t>(i * 4));
  }
  return copy;
}

// For a killed app: SQLite rolls its transaction back for the first reader.
Result<void> roll_back(const os::Path& database) {
  auto connection = TRY(Connection::open(database, {.busy_timeout = kAttachPatience}));
  connection.set_wal_on_close(Connection::WalOnClose::Keep);
  TRY(connection.query_integer("SELECT count(*) FROM sqlite_master")
          .context("roll back an unfinished transaction"));
  return {};
}

// The mode after every unfinished transaction was rolled back: a killed app, or a power loss, can
// leave one in the app's first transaction and in its change to WAL mode.
Result<ModeSight> inspect_free(const os::Path& database, CheckpointOwner::Others others) {
  auto sight = inspect_mode(database);
  const bool is_left = sight ? sight->has_journal : sight.error().code == Code::Busy;
  if (!is_left) return sight;
  if (others == CheckpointOwner::Others::App) {
    return fail(Code::Busy, "{} has an unfinished transaction", database.string());
  }
  TRY(roll_back(database));
  return inspect_mode(database);
}

Result<void> leave_rollback_mode(const os::Path& database) {
  const auto done = TRY(change_to_wal(database).context("change to WAL mode"));
  switch (done) {
    case ModeChange::Locked:
      return fail(Code::Busy, "{} is in rollback journal mode and locked", database.string());
    case ModeChange::HasJournal:
      return fail(Code::Busy, "{} has an unfinished transaction", database.string());
    case ModeChange::Done:
    case ModeChange::NotNeeded:
      break;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<CheckpointOwner>> CheckpointOwner::attach(const os::Path& database,
                                                                 const os::Clock& clock,
                                                                 Others others) {
  const auto sight = TRY(inspect_free(database, others));
  // SQLite writes page 1 with the first transaction. Until then the app may choose the page size
  // and other settings, and opening the file in WAL mode would fix them.
  if (sight.mode == JournalMode::None)
    return fail(Code::NotFound, "{} is empty", database.string());
  if (sight.mode == JournalMode::Rollback) TRY(leave_rollback_mode(database));
  std::unique_ptr<CheckpointOwner> owner(new CheckpointOwner(database, clock));
  TRY(owner->open_lock_holder());
  TRY(owner->take_lock());
  owner->checkpointer_ = TRY(owner->open_connection());
  owner->reader_ = TRY(owner->open_connection());
  for (auto* connection : {&owner->holder_, &owner->checkpointer_, &owner->reader_}) {
    set_write_lock((*connection)->file(), WriteLock::Refused);
    // A connection opens the WAL with its first read. It reads now: later the WAL may be another.
    TRY((*connection)->execute(kReadOnce).context("first read"));
  }
  share_write_lock(owner->checkpointer_->file(), owner->write_lock_held_);
  return owner;
}

CheckpointOwner::~CheckpointOwner() {
  reader_.reset();
  checkpointer_.reset();
  // The holder closes its connection while the shim still passes the lock: the lock ends with the
  // -shm itself, so no process checkpoints between the last look and the close.
  holder_.reset();
}

Result<Connection> CheckpointOwner::open_connection() const {
  auto connection =
      TRY(Connection::open(database_, {.busy_timeout = kAttachPatience, .vfs = register_shim()}));
  share_checkpoint_lock(connection.file(), lock_held_);
  connection.set_wal_on_close(Connection::WalOnClose::Keep);
  TRY(connection.execute("PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=8"));
  return connection;
}

Result<Connection> CheckpointOwner::open_sibling() const {
  auto connection = TRY(open_connection());
  set_write_lock(connection.file(), WriteLock::Refused);
  TRY(connection.execute(kReadOnce).context("first read"));
  sqlite3_busy_timeout(connection.handle(), 0);
  return connection;
}

Result<void> CheckpointOwner::open_lock_holder() {
  holder_ = TRY(open_connection());
  const auto mode =
      TRY(holder_->query_text("PRAGMA journal_mode").context("read the journal mode"));
  // The app has changed the mode in between. Changing it back through this connection would hold
  // locks for too long.
  if (mode != "wal") {
    return fail(Code::Busy, "{} is in journal mode {}", database_.string(), mode);
  }
  TRY(holder_->execute(kReadOnce).context("first read"));
  const auto page_size = TRY(holder_->query_integer("PRAGMA page_size"));
  page_size_.value = static_cast<std::uint32_t>(page_size);

  sqlite3_file* file = holder_->file();
  volatile void* region = nullptr;
  const int code = file->pMethods->xShmMap(file, 0, kIndexRegionBytes, 0, &region);
  if (code != SQLITE_OK) return sqlite_failure(nullptr, code, "map the WAL index");
  if (region == nullptr) {
    return fail(Code::Unsupported, "{} has no shared WAL index (PRAGMA locking_mode=EXCLUSIVE?)",
                database_.string());
  }
  index_ = static_cast<volatile std::byte*>(region);
  const std::string path = sqlite3_db_filename(holder_->handle(), "main");  // without links
  const auto status = os::status_of(path + "-shm");
  if (status) index_descriptor_ = os::find_descriptor(status->id);
  return {};
}

Result<void> CheckpointOwner::take_lock() {
  const MonoTime give_up = clock_.mono() + kAttachPatience;
  while (true) {
    const bool is_ours = TRY(try_lock(*holder_, wal::kCheckpointLock));
    if (is_ours) break;
    if (clock_.mono() >= give_up) {
      return fail(Code::Busy, "another process is checkpointing {}", database_.string());
    }
    os::pause_for(kLockPause);
  }
  lock_held_.store(true, std::memory_order_release);
  return {};
}

std::optional<IndexView> CheckpointOwner::read_index() const {
  sqlite3_file* file = holder_->file();
  for (int look = 0; look < kIndexLooks; ++look) {
    // In the order of SQLite's own readers: first copy, barrier, second copy.
    const auto first = copy_shared<wal::kIndexCopyBytes>(index_);
    file->pMethods->xShmBarrier(file);
    const auto second = copy_shared<wal::kIndexCopyBytes>(index_ + wal::kIndexCopyBytes);
    const auto header = wal::parse_index_header(first, second);
    if (header) {
      constexpr Bytes kInfoBytes = wal::kIndexHeaderBytes - 2 * wal::kIndexCopyBytes;
      const auto info = copy_shared<kInfoBytes>(index_ + 2 * wal::kIndexCopyBytes);
      return IndexView{*header, wal::parse_checkpoint_info(info)};
    }
    os::pause_for(kIndexLookPause);
  }
  return std::nullopt;
}

// A live writer changes what it publishes, or holds the write lock meanwhile.
bool CheckpointOwner::is_header_abandoned() const {
  const auto bytes = copy_shared<2 * wal::kIndexCopyBytes>(index_);
  for (int look = 0; look < kAbandonedLooks; ++look) {
    os::pause_for(kAbandonedPause);
    if (copy_shared<2 * wal::kIndexCopyBytes>(index_) != bytes) return false;
  }
  return !read_index();
}

Result<void> CheckpointOwner::recover() {
  if (!is_header_abandoned()) return fail(Code::Busy, "the WAL index is being written");
  const MayWrite may_write(*reader_);
  const TransactionEnd end(*reader_);
  return reader_->execute(kBeginRead).context("recover the WAL index");
}

void CheckpointOwner::release_lock() {
  WW_CHECK(holds_lock());
  lock_held_.store(false, std::memory_order_release);
  lock_without_shim(holder_->file(), wal::kCheckpointLock,
                    SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
}

Result<bool> CheckpointOwner::take_lock_back() {
  WW_CHECK(!holds_lock());
  const bool is_ours = TRY(try_lock(*holder_, wal::kCheckpointLock));
  if (is_ours) lock_held_.store(true, std::memory_order_release);
  return is_ours;
}

// A read mark that no reader uses is marked as unused, as SQLite's own checkpoint does, and then
// shared. If a process marked a frame with it in between, that process keeps it.
Result<bool> CheckpointOwner::take_restart_guard() {
  WW_CHECK(!guard_);
  const auto mark_of = [this](int read_slot) -> volatile std::uint32_t& {
    const auto offset = wal::kReadMarksOffset + 4 * static_cast<Bytes>(read_slot);
    return *reinterpret_cast<volatile std::uint32_t*>(index_ + offset);
  };
  for (int read_slot = wal::kReadLocks - 1; read_slot > 1; --read_slot) {
    const int slot = wal::kReadLock + read_slot;
    {
      const bool is_free = TRY(try_lock(*holder_, slot));
      if (!is_free) continue;
      const LockEnd end(*holder_, slot);
      mark_of(read_slot) = wal::kReadMarkUnused;
    }
    const bool is_shared = TRY(try_lock(*holder_, slot, SQLITE_SHM_SHARED));
    if (!is_shared) continue;
    guard_ = slot;
    if (mark_of(read_slot) == wal::kReadMarkUnused) return true;
    release_restart_guard();
  }
  return false;
}

void CheckpointOwner::release_restart_guard() {
  if (!guard_) return;
  lock_without_shim(holder_->file(), *guard_, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
  guard_.reset();
}

Result<bool> CheckpointOwner::take_copy_guard() {
  WW_CHECK(!has_copy_guard_);
  has_copy_guard_ = TRY(try_lock(*holder_, wal::kReadLock, SQLITE_SHM_SHARED));
  return has_copy_guard_;
}

void CheckpointOwner::release_copy_guard() {
  if (!std::exchange(has_copy_guard_, false)) return;
  lock_without_shim(holder_->file(), wal::kReadLock, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
}

bool CheckpointOwner::is_written() const {
  constexpr os::ByteRange kByte{.first = wal::kFirstLockByte + wal::kWriteLock, .count = 1};
  if (!index_descriptor_) return false;
  const auto holder = os::find_lock_holder(*index_descriptor_, kByte);
  return holder && holder->has_value();
}

Result<CheckpointOwner::FileHeader> CheckpointOwner::read_file_header() const {
  sqlite3_file* file = holder_->file();
  FileHeader header{};
  const int code = file->pMethods->xRead(file, header.data(), static_cast<int>(header.size()), 0);
  if (code == SQLITE_OK) return header;
  return sqlite_failure(nullptr, code, "read the header of the database file");
}

bool CheckpointOwner::has_moved() const {
  int moved = 0;
  sqlite3_file* file = holder_->file();
  const int code = file->pMethods->xFileControl(file, SQLITE_FCNTL_HAS_MOVED, &moved);
  return code == SQLITE_OK && moved != 0;
}

Result<void> CheckpointOwner::pass(const CaptureFn& capture) {
  WW_CHECK(holds_lock());
  const TransactionEnd end(*reader_);
  TRY(reader_->execute(kBeginRead).context("begin the read that guards a checkpoint"));
  if (held_read_lock(reader_->file()) == 0) return {};  // the database file already has all of it
  TRY(capture());
  const int code = sqlite3_wal_checkpoint_v2(checkpointer_->handle(), "main",
                                             SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
  return sqlite_failure(checkpointer_->handle(), code, "checkpoint");
}

Result<CheckpointOwner::BlockingOutcome> CheckpointOwner::checkpoint_blocking(
    const CaptureFn& capture, BlockingPatience patience) {
  for (int i = 0; i < kBlockPasses; ++i) {
    const auto index = read_index();
    if (!index || index->not_backfilled() <= kBlockTailFrames) break;
    TRY(pass(capture));
  }
  const MonoTime asked = clock_.mono();
  while (true) {
    const bool is_ours = TRY(try_lock(*holder_, wal::kWriteLock));
    if (is_ours) break;
    const MonoTime now = clock_.mono();
    if (now >= asked + patience.for_gap) return BlockingOutcome{};
    wait_for_gap(now, asked + kBlockSpin);
  }
  const LockEnd end(*holder_, wal::kWriteLock);
  const MonoTime from = clock_.mono();
  const bool is_last = TRY(wait_for_older_readers(patience.for_readers));
  if (is_last) {
    TRY(pass(capture));
  }
  return BlockingOutcome{.held = true, .took = clock_.mono() - from};
}

// The lock became free in the middle of an app's commit, whose read must still end: a checkpoint at
// once would leave its last frames, and the WAL could not restart.
Result<bool> CheckpointOwner::wait_for_older_readers(milliseconds patience) {
  const MonoTime asked = clock_.mono();
  while (true) {
    const bool is_read = TRY(has_older_reader());
    if (!is_read) return true;
    const MonoTime now = clock_.mono();
    if (now >= asked + patience) return false;
    wait_for_gap(now, asked + kBlockSpin);
  }
}

// As SQLite's checkpoint does: a read lock of another process cannot be taken.
Result<bool> CheckpointOwner::has_older_reader() {
  const auto index = read_index();
  if (!index) return false;
  const auto& marks = index->checkpoint.read_marks;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] >= index->header.max_frame) continue;  // sees all of it, or marks nothing
    const int slot = wal::kReadLock + static_cast<int>(i);
    const bool is_free = TRY(try_lock(*holder_, slot));
    if (!is_free) return true;
    const LockEnd end(*holder_, slot);
  }
  return false;
}

Result<bool> CheckpointOwner::settle(const CaptureFn& capture,
                                     const std::function<bool()>& is_unused) {
  if (!holds_lock()) return false;
  TRY(pass(capture));  // most frames and their fsyncs, while no writer is blocked
  if (!is_unused()) return false;
  const bool is_ours = TRY(try_lock(*holder_, wal::kWriteLock));
  if (!is_ours) return false;
  const LockEnd end(*holder_, wal::kWriteLock);
  TRY(capture());
  const auto index = read_index();
  if (!index || index->not_backfilled() > 0) return false;
  return cut_wal();
}

Result<bool> CheckpointOwner::discard_wal() {
  if (!holds_lock()) return false;
  const bool is_ours = TRY(try_lock(*holder_, wal::kWriteLock));
  if (!is_ours) return false;
  const LockEnd end(*holder_, wal::kWriteLock);
  const auto index = read_index();
  const bool is_read = TRY(has_reader());
  if (!index || is_read) return false;
  // The checkpoint that truncates the WAL has nothing left to copy.
  auto& backfilled = *reinterpret_cast<volatile std::uint32_t*>(index_ + wal::kBackfilledOffset);
  backfilled = index->header.max_frame;
  auto cut = cut_wal();
  if (!cut || !*cut) backfilled = index->checkpoint.backfilled;
  return cut;
}

Result<bool> CheckpointOwner::has_reader() {
  for (int slot = wal::kReadLock; slot < wal::kReadLock + wal::kReadLocks; ++slot) {
    const bool is_free = TRY(try_lock(*holder_, slot));
    if (!is_free) return true;
    const LockEnd end(*holder_, slot);
  }
  return false;
}

// Called with the write lock, which the checkpointer then uses as its own.
Result<bool> CheckpointOwner::cut_wal() {
  write_lock_held_.store(true);
  auto cut = truncate();
  write_lock_held_.store(false);
  if (cut && *cut) forget_size();
  return cut;
}

// As a writer publishes: the second copy, a barrier, the first. Law 9: called with the write lock.
void CheckpointOwner::forget_size() {
  const auto index = read_index();
  if (!index || index->header.max_frame != 0) return;
  const auto header = wal::without_size(copy_shared<wal::kIndexCopyBytes>(index_));
  const auto publish = [&](volatile std::byte* copy) {
    auto* words = reinterpret_cast<volatile std::uint32_t*>(copy);
    for (std::size_t i = 0; i < header.size() / sizeof(std::uint32_t); ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, header.data() + i * sizeof word, sizeof word);
      words[i] = word;
    }
  };
  sqlite3_file* file = holder_->file();
  publish(index_ + wal::kIndexCopyBytes);
  file->pMethods->xShmBarrier(file);
  publish(index_);
}

Result<bool> CheckpointOwner::truncate() {
  if (!holds_lock()) return false;
  const MayWrite may_write(*checkpointer_);
  const int code = sqlite3_wal_checkpoint_v2(checkpointer_->handle(), "main",
                                             SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code == SQLITE_OK) return true;
  if ((code & 0xff) == SQLITE_BUSY) return false;
  return sqlite_failure(checkpointer_->handle(), code, "truncate the WAL");
}

void CheckpointOwner::remove_wal_on_close() {
  for (auto* connection : {&holder_, &checkpointer_, &reader_}) {
    (*connection)->set_wal_on_close(Connection::WalOnClose::Remove);
  }
}

}  // namespace walwrap::sqlite
