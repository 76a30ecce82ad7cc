// A host loses its power at any moment, and its disk comes back with what was synced and a part of
// the rest; or its volume comes back from a snapshot, or was copied file by file. Whatever it is:
// after the next start and stop the replica's newest state has every row that was confirmed, is
// intact, and is one of the states that the app has made. A start may be refused only where a state
// directory was copied at another moment than the database.
//
//   WALWRAP_SEED=N       the histories from this seed on; a run prints its own
//   WALWRAP_CUTS=20000   more of them
//
// The disks are in memory where there is room, and nothing is really synced: what a disk loses is
// made up here. A cut takes 12 ms of processor time, and 50 ms until it is over: a start and a stop
// wait for the kernel to end their inotify watches. So there are more threads than processors.
//
// Threads make two runs of a seed differ a little: what was lost is printed with each failure.
#ifndef WALWRAP_SANITIZED  // a sanitizer defines the calls that are watched here itself

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>

#include "tests/support/environment.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/power_cut.hpp"
#include "tests/support/power_cut_calls.hpp"
#include "tests/support/scripted_app.hpp"
#include "tests/support/world.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/upload/store_profile.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::DiskImage;
using testing::DiskRecorder;
using testing::FakeBucket;
using testing::FakeStore;
using testing::ScriptedApp;
using testing::World;

constexpr std::uint64_t kCuts = 2'000;
constexpr int kThreads = 8;
constexpr std::chrono::seconds kWaitLimit{5};

// The machine's clock, with time left out: a test does not wait for what is due in five seconds.
class JumpingClock : public os::Clock {
 public:
  MonoTime mono() const override { return testing::kSystemClock.mono() + jumped_.load(); }
  WallTime wall() const override { return testing::kSystemClock.wall(); }
  void jump(std::chrono::nanoseconds by) { jumped_ = jumped_.load() + by; }

 private:
  std::atomic<std::chrono::nanoseconds> jumped_{std::chrono::nanoseconds(0)};
};

using Objects = std::map<std::string, ByteVector>;

Objects objects_of(const FakeBucket& bucket) {
  Objects objects;
  for (const auto& key : bucket.keys()) objects[key] = bucket.bytes_of(key).value_or(ByteVector{});
  return objects;
}

ReplicatorOptions power_loss_options(const World& world, FakeBucket& bucket,
                                     storage::StoreKind kind) {
  auto options = world.options();
  options.location.kind = kind;
  options.interval = std::chrono::milliseconds(5);
  options.wal_limit = 256 << 10;
  options.open_store = [&bucket](const auto&,
                                 const auto&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    return std::unique_ptr<storage::ObjectStore>(std::make_unique<FakeStore>(bucket));
  };
  return options;
}

// One instant of a run: the disk, the replica, and what the app knew.
struct Moment {
  std::string at;
  DiskImage disk;
  Objects replica;
  int confirmed = 0;  // commits of which a wait has said that they are stored
  int durable = 0;    // commits that the disk has, as SQLite promises with synchronous=FULL
};

struct History {
  std::uint64_t seed = 0;
  storage::StoreKind kind = storage::StoreKind::File;
  testing::Script script;
  std::vector<Moment> moments;  // oldest first
  // So many uploads, before the loss and after it, that a file of a higher level is made of both.
  bool is_long = false;
};
constexpr int kLongCommits = 70;

// Whether everything that is committed by now was stored in time.
bool wait_until_stored(SyncRequests& sync_requests) {
  const auto ticket = sync_requests.ask_look(SyncRequests::Pace::StoreNow);
  std::optional<CommitPosition> wanted;
  const auto give_up = testing::kSystemClock.mono() + kWaitLimit;
  while (testing::kSystemClock.mono() < give_up) {
    const Progress now = sync_requests.progress();
    if (!now.halted.empty()) return false;
    if (!wanted && now.looked >= ticket && now.attached) wanted = now.committed;
    if (wanted && now.committed.attachment == wanted->attachment && now.stored >= wanted->commits) {
      return true;
    }
    sync_requests.progressed().wait_for(std::chrono::milliseconds(20));
  }
  return false;
}

// A run of the app beside a replicator, recorded.
class Recording {
 public:
  explicit Recording(std::uint64_t seed) : random_(seed), recorder_(world_.host) {
    history_.seed = seed;
    history_.kind = random_() % 2 == 0 ? storage::StoreKind::File : storage::StoreKind::S3;
    history_.is_long = random_() % 16 == 0;
    history_.script = {
        .seed = seed, .page_size = 512 << (random_() % 4), .is_full = random_() % 3 == 0};
  }

  History make(int commits, std::size_t moments) {
    // Of the calls of a run, a dozen for each commit write frames; the rest is rare. More moments
    // than are wanted, for nobody knows how many calls there will be.
    const auto often = 1 + static_cast<std::uint64_t>(18 * commits) / moments;
    recorder_.on_call = [this, often](const std::string& call, const std::string& file) {
      const bool is_frame = call == "pwrite" && file.ends_with("-wal");
      if (calls_random_() % (is_frame ? often : 1 + often / 12) == 0) {
        take_moment("before " + call + " of " + file);
      }
    };
    auto replicator = Replicator::prepare(power_loss_options(world_, bucket_, history_.kind),
                                          clock_, testing::kNoLog, [] { return false; })
                          .value();
    replicator->start().value();
    {
      ScriptedApp app(world_.database, history_.script);
      if (history_.is_long) replicator->sync_requests().ask_snapshot();  // levels begin with one
      const int count = history_.is_long ? kLongCommits : commits;
      for (int i = 0; i < count; ++i) step(app, *replicator);
    }
    bucket_.faults().fail_all(std::nullopt);
    const std::lock_guard lock(DiskRecorder::mutex());
    recorder_.on_call = {};
    keep_some(moments - 1);
    take_moment("at the end");
    return std::move(history_);
  }

 private:
  void step(ScriptedApp& app, Replicator& replicator) {
    const int commit = app.commit();
    if (history_.script.is_full) note([&] { durable_ = commit; });
    switch (random_() % 12) {
      case 0:
        clock_.jump(std::chrono::seconds(6));  // the state is saved with the next upload
        break;
      case 1:
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        break;
      case 2:
        clock_.jump(std::chrono::milliseconds(200));  // a quiet moment: a checkpoint
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        break;
      case 3:
        bucket_.faults().fail_all(testing::StoreFault::error(Code::Unavailable));
        is_out_ = true;
        break;
      case 4:
      case 5:
      case 6:
        bucket_.faults().fail_all(std::nullopt);
        is_out_ = false;
        break;
      default:
        break;
    }
    if (is_out_ || (random_() % 3 != 0 && !history_.is_long)) return;
    if (!wait_until_stored(replicator.sync_requests()))
      throw std::runtime_error("a wait has no end");
    note([&] { confirmed_ = commit; });
  }
  template <typename Note>
  static void note(Note what) {
    const std::lock_guard lock(DiskRecorder::mutex());
    what();
  }
  // Any of them, and in their order.
  void keep_some(std::size_t count) {
    std::vector<Moment> kept;
    std::sample(std::make_move_iterator(history_.moments.begin()),
                std::make_move_iterator(history_.moments.end()), std::back_inserter(kept), count,
                random_);
    history_.moments = std::move(kept);
  }
  // Under the mutex. The replica last: it may have what the host does not yet know to be stored.
  void take_moment(const std::string& at) {
    Moment moment{.at = at,
                  .disk = recorder_.image(),
                  .replica = {},
                  .confirmed = confirmed_,
                  .durable = durable_};
    moment.replica = objects_of(bucket_);
    history_.moments.push_back(std::move(moment));
  }

  World world_{testing::memory_directory()};
  FakeBucket bucket_;
  JumpingClock clock_;
  std::mt19937_64 random_;
  std::mt19937_64 calls_random_{random_()};
  DiskRecorder recorder_;  // ends after the replicator and the app
  History history_;
  int confirmed_ = 0;
  int durable_ = 0;
  bool is_out_ = false;
};

std::string restore_newest(FakeBucket& bucket, storage::StoreKind kind, const os::Path& output) {
  FakeStore store(bucket);
  const auto style = key_style_of(kind);
  const auto listing = list_replica(store, style);
  if (!listing) return "list: " + listing.error().text;
  auto plan = plan_restore(listing->files, {});
  if (!plan) return "plan: " + plan.error().text;
  const auto restored =
      restore_database({.open_store =
                            [&bucket](const auto&) {
                              return Result<std::unique_ptr<storage::ObjectStore>>(
                                  std::make_unique<FakeStore>(bucket));
                            },
                        .style = style,
                        .plan = *std::move(plan),
                        .output = output,
                        .integrity = Integrity::None,
                        .on_progress = [](const auto&) {},
                        .cancelled = [] { return false; }});
  return restored ? "" : "restore: " + restored.error().text;
}

// One way in which a host comes back.
struct Cut {
  const History& history;
  const Moment& moment;  // what the replica and the app have by then
  const DiskImage& disk;
  int durable = 0;
  std::uint64_t seed = 0;
  bool is_copy = false;     // of files that nobody has written meanwhile
  bool may_refuse = false;  // the database was copied without its state
  bool has_another = true;  // the power may fail once more, in the life that begins here
};

// A start and a stop over one possible disk, and perhaps a loss of power meanwhile.
class Return {
 public:
  explicit Return(const Cut& cut) : cut_(cut), random_(cut.seed), script_(cut.history.script) {}

  // "": all is well.
  std::string run() {
    lost_ = testing::make_disk(cut_.disk, world_.host, random_, cut_.is_copy);
    for (const auto& [key, bytes] : cut_.moment.replica) bucket_.set(key, bytes);
    std::optional<DiskRecorder> recorder;
    if (cut_.has_another && random_() % 4 == 0) {
      recorder.emplace(world_.host);
      recorder->on_call = [this, &recorder, left = 1 + random_() % 40](const auto& call,
                                                                       const auto& file) mutable {
        if (--left == 0) note_second("before " + call + " of " + file, *recorder);
      };
    }
    auto wrong = live();
    if (wrong.empty()) wrong = look();
    if (recorder) recorder->on_call = {};
    if (!wrong.empty() || !second_) return wrong;
    const History next{
        .seed = cut_.history.seed, .kind = cut_.history.kind, .script = script_, .moments = {}};
    Return again({.history = next,
                  .moment = *second_,
                  .disk = second_->disk,
                  .seed = random_(),
                  .may_refuse = cut_.may_refuse,
                  .has_another = false});
    wrong = again.run();
    lost_ += "; then " + second_->at + again.lost_;
    return wrong.empty() ? "" : "once more: " + wrong;
  }
  const std::string& lost() const { return lost_; }
  bool is_refused() const { return is_refused_; }
  bool was_cut_again() const { return second_.has_value(); }

 private:
  std::string live() {
    auto replicator = world_.prepare(power_loss_options(world_, bucket_, cut_.history.kind));
    is_refused_ = !replicator.has_value();
    if (is_refused_) {
      return cut_.may_refuse ? "" : "the start is refused: " + replicator.error().text;
    }
    if (!(*replicator)->start()) return "start";
    last_ = ScriptedApp::commits_in(world_.database);
    const int expected = std::max(cut_.moment.confirmed, cut_.durable);
    if (last_ < expected) return fmt::format("the app finds {} commits of {}", last_, expected);
    if (cut_.has_another && (cut_.history.is_long || random_() % 2 == 0)) {
      script_.went_on_at = last_;
      ScriptedApp app(world_.database, script_);
      const int count = cut_.history.is_long ? kLongCommits : 1 + static_cast<int>(random_() % 4);
      for (int i = 0; i < count; ++i) {
        last_ = app.commit();
        if (!cut_.history.is_long) continue;
        if (!wait_until_stored((*replicator)->sync_requests())) return "a wait has no end";
      }
    }
    const auto deadline = testing::kSystemClock.mono() + std::chrono::seconds(20);
    const auto report = (*replicator)->flush(deadline);
    if (report.outcome == FlushOutcome::Nothing && is_nothing_there()) return "";
    return report.outcome == FlushOutcome::Ok ? "" : "the flush: " + report.missing;
  }
  // Before the first commit: no database, nothing in the replica, and nothing was said to be
  // stored.
  bool is_nothing_there() {
    FakeStore store(bucket_);
    const auto listing = list_replica(store, key_style_of(cut_.history.kind));
    return listing && listing->files.empty() && cut_.moment.confirmed == 0 && last_ == 0 &&
           cut_.durable == 0 && ScriptedApp::commits_in(world_.database) == 0;
  }
  std::string look() {
    const auto output = world_.directory / "restored.db";
    if (const auto wrong = restore_newest(bucket_, cut_.history.kind, output); !wrong.empty()) {
      return last_ == 0 && cut_.moment.confirmed == 0 ? "" : wrong;
    }
    if (is_refused_) {
      last_ = ScriptedApp::commits_in(output);
      if (last_ < cut_.moment.confirmed) return "refused, and confirmed commits are not stored";
      return ScriptedApp::check(output, script_, last_);
    }
    const auto stored = ScriptedApp::check(output, script_, last_);
    if (!stored.empty()) return "what is restored: " + stored;
    const auto here = ScriptedApp::check(world_.database, script_, last_);
    return here.empty() ? "" : "what is here: " + here;
  }
  // Under the recorder's mutex.
  void note_second(const std::string& at, DiskRecorder& recorder) {
    second_ = {
        .at = at, .disk = recorder.image(), .replica = {}, .confirmed = cut_.moment.confirmed};
    second_->replica = objects_of(bucket_);
  }

  const Cut& cut_;
  World world_{testing::memory_directory()};
  FakeBucket bucket_;
  std::mt19937_64 random_;
  testing::Script script_;
  std::string lost_;
  std::optional<Moment> second_;
  int last_ = 0;
  bool is_refused_ = false;
};

// The files of `disk` with the state directory of another moment.
DiskImage with_state_of(const DiskImage& disk, const DiskImage& other) {
  constexpr testing::Inode kOthers = 1ULL << 62;  // inode numbers that no disk has
  DiskImage mixed;
  for (const bool is_other : {false, true}) {
    for (const auto& [name, directory] : (is_other ? other : disk).directories) {
      if (is_other == (name == ".")) continue;
      for (const auto& [file, inode] : directory.now) {
        const auto at = inode + (is_other ? kOthers : 0);
        mixed.directories[name].now[file] = at;
        mixed.files[at] = (is_other ? other : disk).files.at(inode);
      }
    }
  }
  return mixed;
}

constexpr int kCommits = 40;  // of one history
constexpr std::size_t kMoments = 12;

struct Tally {
  explicit Tally(int all) : wanted(all) {}
  const int wanted;
  std::mutex mutex;
  std::map<std::string, int> wrong;  // what, with how often
  int cuts = 0;
  int refused = 0;    // of copies: nothing was changed, and a person has to decide
  int once_more = 0;  // lost their power a second time

  bool is_enough() {
    const std::lock_guard lock(mutex);
    return cuts >= wanted;
  }
};

std::string without_numbers(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

void try_cut(const Cut& cut, const std::string& kind, Tally& tally) {
  Return life(cut);
  std::string wrong;
  try {
    wrong = life.run();
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  const std::lock_guard lock(tally.mutex);
  ++tally.cuts;
  if (life.is_refused()) ++tally.refused;
  if (life.was_cut_again()) ++tally.once_more;
  if (wrong.empty()) return;
  ++tally.wrong[kind + ": " + without_numbers(wrong.substr(0, 60))];
  MESSAGE(fmt::format("{} {}, history {} cut {}, {} pages of {}, {}: {}; lost:{}", kind,
                      cut.moment.at, cut.history.seed, cut.seed,
                      cut.history.script.is_full ? "FULL" : "NORMAL", cut.history.script.page_size,
                      cut.history.kind == storage::StoreKind::File ? "directory" : "bucket", wrong,
                      life.lost()));
}

void try_history(std::uint64_t seed, Tally& tally) {
  const History history = Recording(seed).make(kCommits, kMoments);
  std::mt19937_64 random(seed);
  for (const Moment& moment : history.moments) {
    if (tally.is_enough()) return;
    const Moment& earlier = history.moments[random() % history.moments.size()];
    const bool is_earlier = &earlier < &moment;
    for (int i = 0; i < 3; ++i) {
      try_cut({.history = history,
               .moment = moment,
               .disk = moment.disk,
               .durable = moment.durable,
               .seed = random()},
              "power loss", tally);
    }
    if (is_earlier) {
      try_cut({.history = history, .moment = moment, .disk = earlier.disk, .seed = random()},
              "volume put back", tally);
    }
    const auto mixed = with_state_of(moment.disk, earlier.disk);
    try_cut({.history = history,
             .moment = is_earlier ? moment : earlier,
             .disk = mixed,
             .seed = random(),
             .is_copy = true,
             .may_refuse = true},
            is_earlier ? "older state" : "newer state", tally);
  }
}

TEST_CASE("after any power loss every confirmed row is stored") {
  const DiskRecorder::NoSync no_sync;
  const auto seed = testing::number_from("WALWRAP_SEED", os::random_u64() % 1'000'000'000);
  Tally tally(static_cast<int>(testing::number_from("WALWRAP_CUTS", kCuts)));
  MESSAGE("WALWRAP_SEED=", seed);
  std::atomic<std::uint64_t> next{seed};
  const auto work = [&] {
    while (!tally.is_enough()) {
      const auto history = next++;
      try {
        try_history(history, tally);
      } catch (const std::exception& error) {
        const std::lock_guard lock(tally.mutex);
        tally.cuts += static_cast<int>(kMoments);
        ++tally.wrong[fmt::format("history {}: {}", history, error.what())];
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  MESSAGE(fmt::format("{} cuts of {} histories, {} of them cut once more, {} refused", tally.cuts,
                      next - seed, tally.once_more, tally.refused));
  for (const auto& [what, count] : tally.wrong) MESSAGE(count, " x ", what);
  CHECK(tally.wrong.empty());
  CHECK(tally.cuts >= tally.wanted);
  CHECK(tally.refused * 20 <= tally.cuts);
}

}  // namespace
}  // namespace walwrap::replication

#endif
