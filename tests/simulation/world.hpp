// Runs a history: several apps and walwraps, one store, one thread.
//
// A step runs to its end before the next one begins, with three exceptions, which make the
// interleavings. A step marked "@5" happens at the fifth point within the step after it. While an
// upload waits for the store, the script goes on in the middle of that upload. And an app that
// waits for a lock lets the others have turns. Nothing runs within itself, nor two that use one
// copy of SQLite while the outer one is inside of it: such a step waits until the outer one is
// over.
//
// At the end of each history everything is healed and stopped: every flush has to be Ok, and what
// can be restored is restored and compared.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/simulation/app.hpp"
#include "tests/simulation/step.hpp"
#include "tests/simulation/walwrap.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/replication/replica/plan.hpp"

namespace walwrap::simulation {

struct Plan {
  std::uint64_t seed = 0;
  int page_size = 1024;
  bool is_bucket = false;
  Steps steps;
};
// "world 17 1024 bucket", then the steps.
std::string format_plan(const Plan& plan);
Plan parse_plan(std::string_view text);

struct Kind {
  Actor actor;
  Verb verb;
  auto operator<=>(const Kind&) const = default;
};
// What happened in the middle of what.
struct Pair {
  Kind event;
  Kind within;
  auto operator<=>(const Pair&) const = default;
};

// Where it was passed, and by which process.
struct Passed {
  Point point;
  int process;
};

struct Report {
  std::string wrong;  // "": nothing
  std::string trace;
  std::map<Pair, int> pairs;
  std::uint64_t points = 0;                    // of all processes
  std::vector<std::vector<Passed>> points_of;  // each step of the script that is not marked
  std::uint64_t restores = 0;                  // compared with what the app had
};
Report simulate(const Plan& plan);

class World {
 public:
  explicit World(const Plan& plan);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  Report run();

 private:
  static constexpr int kHosts = 2;
  static constexpr int kApps = 3;  // the third one is on the second host

  void run_script();
  void run_main(const Step& step);
  enum class Done { Yes, Later };
  Done perform(const Step& step);
  Done perform_on(App& app, const Step& step);
  Done perform_on(Walwrap& walwrap, const Step& step);
  void perform_on_store(const Step& step);
  Done perform_on(Host& host, const Step& step);
  void change_at_rest(Host& host, Verb verb);
  void set_full(Host& host, bool is_full);
  void put_files(Host& host, const Step& step);
  void change_files(Host& host, const Step& step);
  Done make_many(Walwrap& walwrap, int commits);
  void on_point(Point point);
  void on_sleep(std::chrono::nanoseconds duration);
  bool go_on_in_upload(Walwrap& walwrap);
  bool let_others_run(Host& host);
  bool is_kept_by_apps(const Host& host, int number) const;
  void nest(const Step& step);
  void reap();
  void reboot(Host& host);
  void clear_disk(Host& host);
  void start(Walwrap& walwrap);
  void stop(Host& host);
  void finish();
  void run_again(Host& host);
  void check_points();
  void check_restore();
  void check_restored(const std::vector<replication::StoredFile>& files,
                      const replication::RestoreTarget& target,
                      const std::map<Txid, ByteVector>& images, Txid wanted);
  bool are_times_kept() const;
  Walwrap* walwrap_of(int pid);
  bool is_walwrap_inside_sqlite() const;
  App* app(int number) { return apps_.at(static_cast<std::size_t>(number - 1)).get(); }
  Walwrap& walwrap_on(const Host& host) {
    return *walwraps_.at(static_cast<std::size_t>(host.number - 1));
  }

  // What is in the middle of a step, with where it was interrupted.
  struct Frame {
    Step step;
    std::vector<Step> armed;     // by their points
    std::vector<Passed> points;  // that have passed
    std::optional<Point> at;     // it is interrupted there
    bool is_nested = false;
  };

  const Plan& plan_;
  testing::TempDir directory_;
  Kernel kernel_;
  Scene scene_;
  std::array<Host, kHosts> hosts_;
  std::array<std::unique_ptr<Walwrap>, kHosts> walwraps_;
  std::array<std::unique_ptr<App>, kApps> apps_;
  std::array<std::unique_ptr<testing::DiskRecorder>, kHosts> recorders_;
  std::vector<Frame> frames_;
  std::vector<Step> deferred_;
  std::size_t next_ = 0;  // of the script
  std::vector<Step> armed_;
  Report report_;
};

}  // namespace walwrap::simulation
