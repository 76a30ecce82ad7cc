#include "tests/simulation/world.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace walwrap::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kStepTakes{1};
constexpr int kMostDeferred = 20;
constexpr std::int64_t kWriteLockByte = 120;  // of the -shm; a database has its locks elsewhere

bool has(const Steps& steps, Verb verb) {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const Step& step) { return step.verb == verb; });
}

Defect defect_of(const Step& step) {
  return static_cast<Defect>(std::clamp(step.second, 0, 2));
}

// Byte 18 of a database says so, see sqlite.org/fileformat2.html.
bool has_rollback_mode(const std::filesystem::path& database) {
  std::ifstream in(database, std::ios::binary);
  in.seekg(18);
  return in.get() == 1;
}

}  // namespace

World::World(const Plan& plan)
    : plan_(plan),
      directory_(testing::memory_directory()),
      kernel_(plan.seed),
      scene_{.kernel = kernel_,
             .oracle = {},
             .replica = Replica(plan.is_bucket ? storage::StoreKind::S3 : storage::StoreKind::File,
                                kernel_),
             .page_size = plan.page_size,
             .wrong = {},
             .trace = {},
             .let_others_run = {},
             .is_kept_by_apps = {},
             .is_inside_an_app = {},
             .is_nested = {}} {
  seed_sqlite(sqlite_of_walwrap());
  for (int i = 0; i < kCopies; ++i) seed_sqlite(sqlite_copy(i));
  for (int i = 0; i < kHosts; ++i) {
    Host& host = hosts_.at(static_cast<std::size_t>(i));
    host.number = i + 1;
    host.directory = directory_ / ("host" + std::to_string(i + 1));
    host.database = host.directory / "app.db";
    host.is_sure = i == 0;
    std::filesystem::create_directory(host.directory);
    walwraps_.at(static_cast<std::size_t>(i)) = std::make_unique<Walwrap>(scene_, host);
    if (has(plan.steps, Verb::PowerLoss)) {
      recorders_.at(static_cast<std::size_t>(i)) =
          std::make_unique<testing::DiskRecorder>(host.directory);
    }
  }
  for (int i = 0; i < kApps; ++i) {
    apps_.at(static_cast<std::size_t>(i)) =
        std::make_unique<App>(scene_, hosts_.at(i < 2 ? 0 : 1), i + 1);
  }
  scene_.let_others_run = [this](Host& host) { return let_others_run(host); };
  scene_.is_kept_by_apps = [this](const Host& host, int number) {
    return is_kept_by_apps(host, number);
  };
  scene_.is_nested = [this] { return frames_.size() > 1; };
  scene_.is_inside_an_app = [this](const Host& host, int number) {
    return std::any_of(apps_.begin(), apps_.end(), [&](const auto& app) {
      return &app->host() == &host && app != apps_.at(static_cast<std::size_t>(number - 1)) &&
             app->is_busy();
    });
  };
  scene_.oracle.now = [this] { return WallTime(std::chrono::floor<milliseconds>(kernel_.wall())); };
  kernel_.on_point = [this](Point point) { on_point(point); };
  kernel_.on_sleep = [this](nanoseconds duration) { on_sleep(duration); };
}

World::~World() {
  kernel_.on_point = {};
  kernel_.on_sleep = {};
  for (auto& app : apps_) app->end();
  for (auto& walwrap : walwraps_) walwrap->end();
  for (auto& recorder : recorders_) recorder.reset();
}

Report World::run() {
  run_script();
  if (scene_.wrong.empty()) finish();
  report_.wrong = scene_.wrong;
  report_.trace = std::move(scene_.trace);
  report_.points = kernel_.points();
  return std::move(report_);
}

void World::run_script() {
  while (next_ < plan_.steps.size() && scene_.wrong.empty()) {
    const Step& step = plan_.steps[next_++];
    if (step.at_point > 0) {
      armed_.push_back(step);
    } else {
      run_main(step);
    }
  }
  for (const Step& step : std::exchange(armed_, {})) run_main(step);
}

// A step with those that happen in its middle, and then those that had to wait for it.
void World::run_main(const Step& step) {
  if (!scene_.wrong.empty()) return;
  scene_.note(format_step(step));
  Frame frame{.step = step, .armed = std::exchange(armed_, {}), .points = {}, .at = {}};
  std::stable_sort(frame.armed.begin(), frame.armed.end(),
                   [](const Step& a, const Step& b) { return a.at_point < b.at_point; });
  frames_.push_back(std::move(frame));
  const Done done = perform(step);
  const std::vector<Step> left = std::move(frames_.back().armed);
  report_.points_of.push_back(std::move(frames_.back().points));
  frames_.pop_back();
  kernel_.advance(kStepTakes);
  if (done == Done::Later) deferred_.push_back(step);
  deferred_.insert(deferred_.end(), left.begin(), left.end());
  if (!frames_.empty()) return;
  reap();
  for (int i = 0; i < kMostDeferred && !deferred_.empty() && scene_.wrong.empty(); ++i) {
    Step next = deferred_.front();
    deferred_.erase(deferred_.begin());
    next.at_point = 0;
    scene_.note("later: " + format_step(next));
    frames_.push_back({.step = next, .armed = {}, .points = {}, .at = {}, .is_nested = true});
    if (perform(next) == Done::Later) deferred_.push_back(next);
    frames_.pop_back();
    reap();
  }
  deferred_.clear();
}

void World::on_point(Point point) {
  if (point == Point::Store && kernel_.holds_alone(kernel_.process(), kWriteLockByte)) {
    scene_.fail("a call of the store while the app cannot write (Law 9)");
  }
  if (frames_.empty() || frames_.back().is_nested || !scene_.wrong.empty()) return;
  // A reference would not outlive what is pushed meanwhile.
  const auto index = frames_.size() - 1;
  frames_[index].points.push_back({point, kernel_.process()});
  const auto count = static_cast<int>(frames_[index].points.size());
  while (!frames_[index].armed.empty() && frames_[index].armed.front().at_point <= count) {
    const Step step = frames_[index].armed.front();
    frames_[index].armed.erase(frames_[index].armed.begin());
    frames_[index].at = point;
    nest(step);
    frames_[index].at.reset();
  }
}

void World::nest(const Step& step) {
  const Frame& outer = frames_.back();
  scene_.note(fmt::format("  in the middle, at {} {}: {}",
                          kPointNames[static_cast<std::size_t>(*outer.at)], outer.points.size(),
                          format_step(step)));
  const Kind within{outer.step.actor, outer.step.verb};
  const bool is_walwraps = step.actor == Actor::Walwrap && step.verb != Verb::Kill &&
                           step.verb != Verb::Break && step.verb != Verb::LoseLocks;
  if (is_walwraps && is_walwrap_inside_sqlite()) {
    deferred_.push_back(step);
    return;
  }
  frames_.push_back({.step = step, .armed = {}, .points = {}, .at = {}, .is_nested = true});
  const Kernel::As nobody(kNobody);
  const Done done = perform(step);
  frames_.pop_back();
  if (done == Done::Later) {
    deferred_.push_back(step);
  } else {
    ++report_.pairs[{{step.actor, step.verb}, within}];
  }
}

bool World::is_walwrap_inside_sqlite() const {
  const auto is_waiting = [](const Frame& frame) {
    return frame.at == Point::Store || frame.at == Point::Sleep;
  };
  return std::any_of(frames_.begin(), frames_.end(), [&](const Frame& frame) {
    return frame.step.actor == Actor::Walwrap && frame.at && !is_waiting(frame);
  });
}

Walwrap* World::walwrap_of(int pid) {
  for (auto& walwrap : walwraps_) {
    if (walwrap->pid() == pid) return walwrap.get();
  }
  return nullptr;
}

void World::on_sleep(nanoseconds duration) {
  Walwrap* walwrap = walwrap_of(kernel_.process());
  if (walwrap == nullptr) return kernel_.advance(duration);
  if (!frames_.empty()) frames_.back().at = Point::Sleep;
  const auto index = frames_.size();
  if (!go_on_in_upload(*walwrap)) walwrap->on_sleep(duration);
  if (index > 0) frames_[index - 1].at.reset();
}

// An upload that was begun by the script waits, and the script goes on. False: it does not.
bool World::go_on_in_upload(Walwrap& walwrap) {
  const bool is_script = !frames_.empty() && !frames_.back().is_nested &&
                         frames_.back().step.verb == Verb::Upload && walwrap.is_uploading();
  if (!is_script || next_ >= plan_.steps.size()) return false;
  const Step& step = plan_.steps[next_];
  const bool is_ours = step.actor == Actor::Walwrap && step.number == walwrap.host().number;
  switch (step.verb) {
    case Verb::Upload:
      if (is_ours) ++next_;
      return false;
    case Verb::Stop:
      if (is_ours) walwrap.hurry();
      return false;
    case Verb::Start:
    case Verb::Confirm:
    case Verb::Many:
    case Verb::Wipe:
    case Verb::PowerLoss:
      return false;
    default:
      break;
  }
  ++next_;
  const Kernel::As nobody(kNobody);
  if (step.at_point > 0) {
    armed_.push_back(step);
  } else {
    ++report_.pairs[{{step.actor, step.verb}, {Actor::Walwrap, Verb::Upload}}];
    run_main(step);
  }
  return false;
}

bool World::let_others_run(Host& host) {
  Walwrap& walwrap = walwrap_on(host);
  if (is_walwrap_inside_sqlite()) return false;
  const bool is_captured = walwrap.capture();
  const bool is_uploaded = walwrap.upload();
  return is_captured || is_uploaded;
}

bool World::is_kept_by_apps(const Host& host, int number) const {
  const bool is_rollback_mode = has_rollback_mode(host.database);
  for (int i = 1; i <= kApps; ++i) {
    const App& app = *apps_.at(static_cast<std::size_t>(i - 1));
    if (&app.host() != &host) continue;
    if ((i != number && app.is_writing()) || (is_rollback_mode && app.is_reading())) return true;
  }
  return false;
}

World::Done World::perform(const Step& step) {
  const auto host_number = static_cast<std::size_t>(step.number - 1);
  switch (step.actor) {
    case Actor::App:
      return step.number > kApps ? Done::Yes : perform_on(*app(step.number), step);
    case Actor::Walwrap:
      return step.number > kHosts ? Done::Yes : perform_on(*walwraps_.at(host_number), step);
    case Actor::Host:
      return step.number > kHosts ? Done::Yes : perform_on(hosts_.at(host_number), step);
    case Actor::Store:
      perform_on_store(step);
      return Done::Yes;
    case Actor::Clock:
      if (step.verb == Verb::Pass) kernel_.advance(milliseconds(step.first));
      if (step.verb == Verb::Jump) kernel_.jump_wall(milliseconds(step.first));
      return Done::Yes;
  }
  return Done::Yes;
}

World::Done World::perform_on(App& app, const Step& step) {
  if (step.verb == Verb::Break) {
    kernel_.break_calls(app.pid(), step.first, defect_of(step));
    return Done::Yes;
  }
  if (step.verb == Verb::Kill) {
    if (app.is_open()) app.kill();
    return Done::Yes;
  }
  if (kernel_.is_dead(app.pid()) || app.is_busy()) return Done::Later;
  if (step.verb == Verb::PutCopy || step.verb == Verb::PutRename ||
      step.verb == Verb::DropSidecars || step.verb == Verb::Remove) {
    put_files(app.host(), step);
    return Done::Yes;
  }
  return app.perform(step) == App::Done::Busy ? Done::Later : Done::Yes;
}

World::Done World::perform_on(Walwrap& walwrap, const Step& step) {
  if (step.verb == Verb::Break) {
    kernel_.break_calls(walwrap.pid(), step.first, defect_of(step));
    return Done::Yes;
  }
  if (step.verb == Verb::Kill) {
    if (walwrap.is_running()) walwrap.kill();
    return Done::Yes;
  }
  if (kernel_.is_dead(walwrap.pid())) return Done::Later;
  switch (step.verb) {
    case Verb::Capture:
      return walwrap.capture() ? Done::Yes : Done::Later;
    case Verb::Upload:
      return walwrap.upload() ? Done::Yes : Done::Later;
    case Verb::Snapshot:
      walwrap.ask_snapshot();
      return Done::Yes;
    case Verb::LoseLocks:
      kernel_.lose_locks(walwrap.pid());
      walwrap.host().may_miss_commits = true;
      return Done::Yes;
    default:
      break;
  }
  if (walwrap.is_busy() || is_walwrap_inside_sqlite()) return Done::Later;
  if (step.verb == Verb::Start) start(walwrap);
  if (step.verb == Verb::Confirm) walwrap.confirm();
  if (step.verb == Verb::Many) return make_many(walwrap, step.first);
  if (step.verb == Verb::Stop) stop(walwrap.host());
  return Done::Yes;
}

World::Done World::make_many(Walwrap& walwrap, int commits) {
  for (int i = 0; i < commits && scene_.wrong.empty(); ++i) {
    for (auto& app : apps_) {
      if (&app->host() != &walwrap.host() || !app->is_open() || app->is_busy()) continue;
      app->perform({.actor = Actor::App, .verb = Verb::Update, .first = 1 + i % 3, .second = 40});
      break;
    }
    walwrap.capture();
    walwrap.upload();
    kernel_.advance(milliseconds(20));
  }
  return Done::Yes;
}

void World::start(Walwrap& walwrap) {
  // Two at once on one replica: one of them is refused, or stops to store (docs/operations.md).
  const bool has_rival = std::all_of(hosts_.begin(), hosts_.end(), [&](const Host& host) {
    return host.number == walwrap.host().number || host.is_up;
  });
  for (Host& host : hosts_) host.may_be_refused = host.may_be_refused || has_rival;
  // Another host may have gone on from what this one has stored.
  Host& own = walwrap.host();
  own.was_up = true;
  const bool has_other = std::any_of(hosts_.begin(), hosts_.end(), [&](const Host& host) {
    return host.number != own.number && host.was_up;
  });
  if (has_other && !own.is_up) own.is_sure = false;
  // Each may have gone on from another state: a person has to decide.
  if (own.is_overtaken && own.is_unfinished) own.may_be_refused = true;
  for (Host& host : hosts_) host.is_overtaken = host.is_overtaken || host.number != own.number;
  own.was_overtaken = std::exchange(own.is_overtaken, false);
  own.is_alone = false;
  own.is_unfinished = true;
  // What a start lists is current: every store promises that, and an empty replica looks as a stale
  // listing does.
  scene_.replica.make_stale(0);
  walwrap.start();
}

// An app that is in the middle of a call cannot be closed: it is killed, as at the end of a grace.
void World::stop(Host& host) {
  // init has restarted a replicator that died, long before a stop begins.
  if (host.is_up && !walwrap_on(host).is_running()) start(walwrap_on(host));
  for (auto& app : apps_) {
    if (&app->host() != &host || kernel_.is_dead(app->pid())) continue;
    if (app->is_busy()) {
      app->kill();
    } else {
      app->close();
    }
  }
  walwrap_on(host).stop();
}

}  // namespace walwrap::simulation
