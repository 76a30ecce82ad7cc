#include "tests/simulation/walwrap.hpp"

#include <algorithm>

#include "tests/support/app_db.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/upload/store_profile.hpp"

namespace walwrap::simulation {
namespace {

using replication::Replicator;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

const os::SystemClock kClock;  // it reads the simulated kernel's time
constexpr milliseconds kStopLimit{20'000};
constexpr int kTurnsUntilStored = 400;
constexpr milliseconds kTurnPause{10};
constexpr int kSleepsUntilHealed = 40;

// While it exists, a member says so.
class Busy {
 public:
  explicit Busy(bool& flag) : flag_(flag) { flag_ = true; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { flag_ = false; }

 private:
  bool& flag_;
};

std::ptrdiff_t set_aside_in(const std::filesystem::path& directory) {
  if (!std::filesystem::exists(directory)) return 0;
  const std::filesystem::directory_iterator files(directory);
  return std::count_if(begin(files), end(files), [](const auto& file) {
    return file.path().filename().string().find(".walwrap-replaced-") != std::string::npos;
  });
}

}  // namespace

std::string rows_on_disk(const Host& host) {
  const Kernel::As nobody(kNobody);
  const auto copy = host.directory.string() + "-copy";
  for (const char* suffix : {"", "-wal", "-journal"}) {
    std::filesystem::remove(copy + suffix);
    const auto from = host.database.string() + suffix;
    if (std::filesystem::exists(from)) std::filesystem::copy_file(from, copy + suffix);
  }
  std::filesystem::remove(copy + "-shm");
  if (!std::filesystem::exists(copy) || std::filesystem::file_size(copy) == 0) return "";
  try {
    testing::AppDb db(copy);
    const auto intact = db.text("PRAGMA integrity_check");
    if (intact != "ok") return "!integrity: " + intact;
    if (db.number("SELECT count(*) FROM sqlite_master WHERE name='t'") == 0) return "";
    const auto text = db.text("SELECT id || ' ' || v FROM t ORDER BY id");
    return text.empty() ? text : text + "\n";
  } catch (const std::exception& error) {
    return std::string("!") + error.what();
  }
}

Walwrap::Walwrap(Scene& scene, Host& host)
    : scene_(scene),
      host_(host),
      log_({.minimum = LogLevel::Info,
            .now = [] { return kClock.wall(); },
            .sink =
                [this](std::string_view line) {
                  // Without the time and the directory, which are others in each run.
                  std::string text(line.substr(line.find(" level=")));
                  const std::string path = host_.directory.string();
                  for (auto at = text.find(path); at != std::string::npos; at = text.find(path)) {
                    text.replace(at, path.size(), "host");
                  }
                  scene_.note(fmt::format("  walwrap{}{}", host_.number, text));
                }}) {}

replication::ReplicatorOptions Walwrap::options() {
  replication::ReplicatorOptions options;
  options.database = host_.database;
  options.run = RandomId{static_cast<std::uint64_t>(host_.number)};
  options.location.kind = scene_.replica.kind();
  options.location.url = "simulated";
  options.open_store = [this](const auto&, const auto&) {
    return Result<std::unique_ptr<storage::ObjectStore>>(scene_.replica.open(host_.number));
  };
  options.start_timeout = milliseconds(5'000);
  options.interval = milliseconds(5);
  options.wal_limit = 64 << 10;
  options.app_running = host_.is_up;
  return options;
}

void Walwrap::on_exception(std::string_view what) {
  if (!scene_.kernel.is_dead(pid())) scene_.fail(fmt::format("a bug in walwrap: {}", what));
}

bool Walwrap::is_halted() const {
  return replicator_ && !replicator_->sync_requests().progress().halted.empty();
}

// The documents say what may fail then.
bool Walwrap::has_excuse() const {
  return host_.may_be_refused || host_.is_wild || scene_.has_lost_files || has_defects() ||
         scene_.replica.had_fault(host_.number) || scene_.kernel.is_dead(pid());
}

void Walwrap::start() {
  if (is_running()) return;
  const Kernel::As process(pid());
  const Busy main(is_main_);
  sleeps_ = 0;
  is_over_ = false;
  excused_defects_ = scene_.kernel.defects_of(pid());
  const bool is_restart = host_.is_up;
  // What is not there is restored.
  if (!is_restart && !std::filesystem::exists(host_.database)) host_.is_sure = false;
  const auto before = bytes_of(host_.database);
  const auto aside = set_aside_in(host_.directory);
  // An unfinished transaction is rolled back before anything is decided.
  const bool is_unfinished = std::filesystem::exists(host_.database.string() + "-journal");
  try {
    auto prepared = Replicator::prepare(options(), kClock, log_, [] { return false; });
    if (!prepared) {
      scene_.note(fmt::format("  start: {}", prepared.error().text));
      const bool is_excused = has_excuse();
      if (!is_excused) scene_.fail("the start is refused: " + prepared.error().text);
      const bool may_have_begun = is_unfinished || has_defects() || host_.is_wild ||
                                  scene_.replica.had_fault(host_.number) ||
                                  scene_.kernel.is_dead(pid());
      // A restore was complete, if its file is there.
      if (!may_have_begun && !before.empty() && bytes_of(host_.database) != before) {
        scene_.fail("a start that is refused has changed the database");
      }
      return;
    }
    replicator_ = *std::move(prepared);
    if (auto loops = replicator_->start_without_threads()) loops_.emplace(*loops);
  } catch (const std::exception& error) {
    return on_exception(error.what());
  }
  if (scene_.kernel.is_dead(pid())) return;
  host_.is_up = true;
  unreached_ = scene_.replica.is_away(host_.number) ? std::optional(host_.state) : std::nullopt;
  if (host_.was_overtaken && scene_.replica.had_fault(host_.number)) {
    host_.is_alone = host_.may_be_refused = true;
  }
  // Without a WAL only the file's time shows that it is newer than what is stored, and the clock
  // has falsified it. The newer file was set aside.
  if (scene_.kernel.has_gone_back() && set_aside_in(host_.directory) > aside) {
    host_.is_sure = false;
    host_.in_flight.clear();
    host_.durable.reset();
  }
  if (!is_restart && host_.is_wild) scene_.adopt(host_, rows_on_disk(host_));
  if (!is_restart) scene_.check_rows(host_, rows_on_disk(host_), "a start");
}

bool Walwrap::capture() {
  if (!loops_ || is_over_ || scene_.kernel.is_dead(pid())) return true;
  if (is_capturing_) return false;
  const Kernel::As process(pid());
  const Busy busy(is_capturing_);
  try {
    loops_->capture.on_waited(false);
    is_over_ = loops_->capture.turn() == replication::CaptureLoop::Turn::Over;
  } catch (const std::exception& error) {
    on_exception(error.what());
  }
  return true;
}

bool Walwrap::upload() {
  if (!loops_ || scene_.kernel.is_dead(pid())) return true;
  if (is_uploading_) return false;
  const Kernel::As process(pid());
  const Busy busy(is_uploading_);
  if (!is_main_) sleeps_ = 0;
  try {
    loops_->uploads.turn();
  } catch (const std::exception& error) {
    on_exception(error.what());
  }
  return true;
}

// One thread waits, and the others of its process go on. What it waits for comes in the end: an
// outage that has lasted for long enough is over.
void Walwrap::on_sleep(nanoseconds duration) {
  Replica& replica = scene_.replica;
  if (++sleeps_ > kSleepsUntilHealed && replica.is_away(host_.number)) replica.reach(host_.number);
  if (is_main_ && loops_ && !is_uploading_) {
    capture();
    upload();
    duration = std::min<nanoseconds>(duration, milliseconds(2));
  } else if (is_uploading_ && !is_capturing_) {
    capture();
  }
  scene_.kernel.advance(duration);
}

// As the control API answers a client that waits.
bool Walwrap::is_stored() {
  const auto now = replicator_->sync_requests().progress();
  if (!wanted_ && now.looked >= *ticket_ && now.attached) wanted_ = now.committed;
  return wanted_ && now.committed.attachment == wanted_->attachment &&
         now.stored >= wanted_->commits && now.is_proven;
}

void Walwrap::confirm() {
  if (!loops_ || is_uploading_ || !host_.is_sure || host_.is_wild || !host_.in_flight.empty())
    return;
  const StateId state = host_.state;
  ticket_ = replicator_->sync_requests().ask_look(replication::SyncRequests::Pace::StoreNow);
  wanted_.reset();
  sleeps_ = 0;
  for (int i = 0; i < kTurnsUntilStored && !scene_.kernel.is_dead(pid()); ++i) {
    capture();
    if (is_stored()) {
      // It has not listed the replica since, and says how old its listing may be.
      if (!scene_.has_lost_files) scene_.oracle.confirm(state);
      scene_.note(fmt::format("  stored: state {}", state));
      return;
    }
    if (is_halted()) break;
    upload();
    scene_.kernel.advance(i < kTurnsUntilStored / 2 ? kTurnPause : 10 * kTurnPause);
  }
  replicator_->sync_requests().stop_listening();
  // After a start without the store, the next commit is what makes it try again.
  const bool is_unreached = unreached_ == host_.state;
  const bool is_excused = has_excuse() || is_unreached || !replicator_->status().attached;
  if (!is_excused)
    scene_.fail("what was committed is never stored: " + replicator_->status().error);
}

void Walwrap::ask_snapshot() {
  if (loops_) replicator_->sync_requests().ask_snapshot();
}

void Walwrap::hurry() {
  if (loops_) replicator_->begin_flush(kClock.mono() + kStopLimit);
}

void Walwrap::stop() {
  host_.is_up = false;
  if (!is_running()) return;
  {
    const Kernel::As process(pid());
    const Busy main(is_main_);
    sleeps_ = 0;
    try {
      const auto deadline = kClock.mono() + kStopLimit;
      const auto report = replicator_->flush(deadline);
      scene_.note(fmt::format("  flush={} txid={} {}", static_cast<int>(report.outcome),
                              report.txid.value, report.missing));
      const bool is_late = kClock.mono() >= deadline;
      if (!scene_.kernel.is_dead(pid())) check_flush(report, is_late);
      // It would have been healed by a comparison. But while the checkpoint lock is ours no commit
      // passes unseen.
      const auto missed = replicator_->status().checkpoints.missed_commits;
      if (missed > 0 && !host_.is_wild && !host_.may_miss_commits)
        scene_.fail(fmt::format("{} commits were not captured", missed));
    } catch (const std::exception& error) {
      on_exception(error.what());
    }
    loops_.reset();
    replicator_.reset();
  }
}

// Its WAL is empty after a stop.
bool Walwrap::is_same_file(const ByteVector& image) const {
  return bytes_of(host_.database) == image;
}

void Walwrap::check_flush(const replication::FlushReport& report, bool is_late) {
  const auto here = rows_on_disk(host_);
  if (report.outcome == FlushOutcome::Ok) {
    scene_.check_rows(host_, here, "a stop");
    const auto images = scene_.replica.rebuild_all();
    const auto stored = images.empty() ? "!nothing" : rows_in(images.rbegin()->second);
    // A file that is damaged has to be stored as it is, too.
    const bool is_damaged = host_.is_wild && here.starts_with("!") && stored.starts_with("!");
    if (is_damaged ? !is_same_file(images.rbegin()->second) : stored != here) {
      return scene_.fail("flush is Ok, and the newest stored state is not the database: " +
                         stored.substr(0, 80));
    }
    if (!images.empty() && images.rbegin()->first != report.txid) {
      return scene_.fail("flush is Ok, and its TXID is not the newest one");
    }
    if (!host_.is_wild) scene_.oracle.confirm(host_.state);
    scene_.has_lost_files = false;
    host_.is_unfinished = false;
    return;
  }
  const bool is_nothing = report.outcome == FlushOutcome::Nothing && here.empty();
  if (is_nothing || is_late || has_excuse()) return;
  scene_.fail("the flush fails: " + report.missing);
}

void Walwrap::end() {
  if (!is_running() && !scene_.kernel.is_dead(pid())) return;
  kill();
  const Kernel::As process(pid());
  try {
    loops_.reset();
    replicator_.reset();
  } catch (const std::exception& error) {
    on_exception(error.what());
  }
  scene_.kernel.bury(pid());
}

}  // namespace walwrap::simulation
