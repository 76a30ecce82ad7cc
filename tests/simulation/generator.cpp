#include "tests/simulation/generator.hpp"

#include <initializer_list>
#include <random>

namespace walwrap::simulation {
namespace {

// A history has a few habits of these, so that each of them is met in simple company, too.
struct Habits {
  bool kills = false;
  bool power = false;
  bool wipes = false;
  bool faults = false;
  bool expires = false;
  bool defects = false;
  bool changes = false;
  bool files = false;
  bool in_the_middle = false;
  bool two_apps = false;
  bool two_hosts = false;
  bool many = false;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) { plan_.seed = seed; }

  Plan make() {
    plan_.page_size = 512 << (2 * below(3)) >> (below(3) == 0 ? 1 : 0);
    if (plan_.page_size < 512) plan_.page_size = 512;
    plan_.is_bucket = one_in(2);
    habits_ = {.kills = one_in(3),
               .power = one_in(4),
               .wipes = one_in(5),
               .faults = one_in(3),
               .expires = one_in(12),
               .defects = one_in(5),
               .changes = one_in(8),
               .files = one_in(4),
               .in_the_middle = one_in(2),
               .two_apps = one_in(3),
               .two_hosts = one_in(16),
               .many = one_in(24)};
    add(Actor::Walwrap, 1, Verb::Start);
    add(Actor::App, 1, Verb::Open);
    if (habits_.two_apps) add(Actor::App, 2, Verb::Open);
    const int count = 6 + below(one_in(4) ? 45 : 20);
    for (int i = 0; i < count; ++i) add_any();
    return std::move(plan_);
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }
  bool one_in(int count) { return below(count) == 0; }
  void add(Actor actor, int number, Verb verb, int first = 0, int second = 0) {
    // Only with the parameters that this verb has.
    const auto text = format_step(
        {.actor = actor, .number = number, .verb = verb, .first = first, .second = second});
    plan_.steps.push_back(parse_step(text).value());
  }
  template <typename T>
  T any_of(std::initializer_list<T> list) {
    return *(list.begin() + below(static_cast<int>(list.size())));
  }
  int any_app() {
    if (habits_.two_hosts && one_in(3)) return 3;
    return habits_.two_apps && one_in(2) ? 2 : 1;
  }
  int any_host() { return habits_.two_hosts && one_in(3) ? 2 : 1; }
  int any_size() { return any_of({20, 20, 60, 200, 900, 3000}); }

  void add_any() {
    if (habits_.in_the_middle && one_in(3)) add_in_the_middle();
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return add_write();
      case 6:
      case 7:
      case 8:
      case 9:
        return add(Actor::Walwrap, any_host(), Verb::Capture);
      case 10:
      case 11:
      case 12:
        return add(Actor::Walwrap, any_host(), Verb::Upload);
      case 13:
        return add(Actor::Walwrap, any_host(), Verb::Confirm);
      case 14:
        return add_app_habit();
      case 15:
        return add_app_life();
      case 16:
        return add(Actor::Clock, 1, Verb::Pass, any_of({10, 120, 120, 300, 2500, 6000, 70'000}));
      case 17:
        return add_trouble();
      default:
        return add_rare();
    }
  }
  void add_write() {
    switch (below(8)) {
      case 0:
        return add(Actor::App, any_app(), Verb::Update, 1 + below(20), any_size());
      case 1:
        return add(Actor::App, any_app(), Verb::Delete, 1 + below(8));
      case 2:
        return add(Actor::App, any_app(), Verb::Insert, 30, 400);
      default:
        return add(Actor::App, any_app(), Verb::Insert, 1 + below(3), any_size());
    }
  }
  void add_app_habit() {
    const int app = any_app();
    switch (below(7)) {
      case 0:
        return add(Actor::App, app, Verb::Begin);
      case 1:
        return add(Actor::App, app, one_in(3) ? Verb::Rollback : Verb::Commit);
      case 2:
        return add(Actor::App, app, Verb::Vacuum);
      case 3:
        return add(Actor::App, app, Verb::Checkpoint, below(4));
      case 4:
        return add(Actor::App, app, Verb::Read);
      case 5:
        return add(Actor::App, app, Verb::EndRead);
      default:
        return one_in(2) ? add(Actor::App, app, Verb::Sync, below(2))
                         : add(Actor::App, app, Verb::Autocheckpoint, any_of({1, 5, 30, 1000}));
    }
  }
  void add_app_life() {
    const int app = any_app();
    switch (below(6)) {
      case 0:
      case 1:
        add(Actor::App, app, Verb::Close);
        if (one_in(2)) add(Actor::Walwrap, app == 3 ? 2 : 1, Verb::Capture);
        if (habits_.files && one_in(2)) add_files(app);
        return;
      case 2:
        return add(Actor::App, app, Verb::Once, 1 + below(3), any_size());
      case 3:
        return add(Actor::App, app, Verb::Journal, below(2));
      default:
        return add(Actor::App, app, Verb::Open);
    }
  }
  // Whoever replaces a database stops the app first; walwrap has had time to notice that.
  void add_files(int app) {
    add(Actor::Clock, 1, Verb::Pass, 3000);
    add(Actor::Walwrap, app == 3 ? 2 : 1, Verb::Capture);
    add(Actor::Walwrap, app == 3 ? 2 : 1, Verb::Capture);
    add(Actor::App, app,
        any_of({Verb::PutCopy, Verb::PutRename, Verb::DropSidecars, Verb::Remove}));
    if (one_in(2)) add(Actor::Walwrap, app == 3 ? 2 : 1, Verb::Capture);
    add(Actor::App, app, Verb::Open);
  }
  void add_trouble() {
    if (!habits_.faults) return add_write();
    switch (below(12)) {
      case 0:
      case 1:
        return add(Actor::Store, 1, Verb::Fail, 1 + below(3), below(5));
      case 2:
        return add(Actor::Store, 1, Verb::Down);
      case 3:
      case 4:
        return add(Actor::Store, 1, Verb::Up);
      case 5:
        return add(Actor::Store, 1, Verb::Late, 1 + below(6));
      case 6:
      case 7:
        return add(Actor::Store, 1, Verb::Twice, below(6));
      case 8:
        return add(Actor::Host, any_host(), Verb::Partition);
      case 9:
      case 10:
        return add(Actor::Host, any_host(), Verb::Heal);
      default:
        return add(Actor::Store, 1, Verb::Stale, 1 + below(3));
    }
  }
  void add_defect() {
    if (!habits_.defects) return add_write();
    switch (below(6)) {
      case 0:
      case 1:
        return add(Actor::Walwrap, any_host(), Verb::Break, 1 + below(3), below(3));
      case 2:
        return add(Actor::App, any_app(), Verb::Break, 1 + below(3), below(3));
      case 3:
        return add(Actor::Host, any_host(), Verb::Fill);
      default:
        return add(Actor::Host, any_host(), Verb::Free);
    }
  }
  void add_clock() {
    if (one_in(2)) return add(Actor::Clock, 1, Verb::Pass, any_of({100, 3000, 70'000}));
    add(Actor::Clock, 1, Verb::Jump, any_of({-3'600'000, 3'600'000, 60'000}));
  }
  void add_expiry() {
    if (!habits_.expires) return add_write();
    add(Actor::Store, 1, Verb::Expire, below(6));
  }
  void add_change() {
    if (!habits_.changes) return add_write();
    const int host = any_host();
    if (one_in(3)) add(Actor::App, host == 2 ? 3 : 1, Verb::Backup);
    add(Actor::Host, host, any_of({Verb::Unlink, Verb::Swap, Verb::Overwrite, Verb::Cut}),
        below(3));
  }
  void add_rare() {
    const int host = any_host();
    switch (below(14)) {
      case 0:
        if (habits_.kills) add(Actor::Walwrap, host, Verb::Kill);
        return add(Actor::Walwrap, host, Verb::Start);
      case 1:
        if (habits_.kills) add(Actor::App, any_app(), Verb::Kill);
        return add(Actor::App, any_app(), Verb::Open);
      case 2:
        if (!habits_.power) return add_write();
        return add_outage(host, Verb::PowerLoss, below(1000));
      case 3:
        if (!habits_.wipes) return add_write();
        if (one_in(2)) add(Actor::Walwrap, host, Verb::Stop);
        return add_outage(host, Verb::Wipe, 0);
      case 4:
        add(Actor::Walwrap, host, Verb::Stop);
        if (one_in(4)) add(Actor::Host, host, Verb::DropState);
        add(Actor::Walwrap, host, Verb::Start);
        return add(Actor::App, host == 2 ? 3 : 1, Verb::Open);
      case 5:
        return add(Actor::App, any_app(), Verb::Backup);
      case 6:
        return add(Actor::Walwrap, host, Verb::Snapshot);
      case 7:
        if (habits_.many) return add(Actor::Walwrap, 1, Verb::Many, 65);
        return add_write();
      case 8:
        return add_clock();
      case 9:
        return add_expiry();
      case 10:
      case 11:
        return add_defect();
      case 12:
        return add_change();
      default:
        return add(Actor::Walwrap, host, Verb::Start);
    }
  }
  void add_outage(int host, Verb verb, int first) {
    add(Actor::Host, host, verb, first);
    add(Actor::Walwrap, host, Verb::Start);
    add(Actor::App, host == 2 ? 3 : 1, Verb::Open);
  }
  // An event, and the step in whose middle it happens. What an app does in the middle of an app's
  // step is done by another app.
  void add_in_the_middle() {
    const int app = habits_.two_apps ? 2 : 1;
    const Verb step = any_of({Verb::Insert, Verb::Update, Verb::Delete, Verb::Vacuum,
                              Verb::Checkpoint, Verb::Once, Verb::Open});
    // What is open is not opened.
    const bool is_by_app = one_in(3);
    if (is_by_app && (step == Verb::Open || step == Verb::Once)) add(Actor::App, 1, Verb::Close);
    const auto before = plan_.steps.size();
    switch (below(13)) {
      case 0:
        if (habits_.kills) add(Actor::Walwrap, 1, Verb::Kill);
        break;
      case 1:
        if (habits_.kills) add(Actor::App, 1 + below(app), Verb::Kill);
        break;
      case 2:
        if (habits_.power) add(Actor::Host, 1, Verb::PowerLoss, below(1000));
        break;
      case 3:
      case 6:
        if (habits_.faults) add_trouble();
        break;
      case 7:
        if (habits_.defects) add_defect();
        break;
      case 8:
        if (habits_.expires) add_expiry();
        if (one_in(2)) add_clock();
        break;
      case 9:
        if (habits_.changes) add_change();
        if (habits_.defects) add_defect();
        break;
      case 4:
        add(Actor::App, app,
            any_of({Verb::Begin, Verb::Commit, Verb::Vacuum, Verb::Checkpoint, Verb::Read,
                    Verb::EndRead}),
            below(4));
        break;
      case 5:
        add(Actor::Walwrap, 1, one_in(3) ? Verb::Upload : Verb::Capture);
        break;
      default:
        add(Actor::App, app, any_of({Verb::Insert, Verb::Insert, Verb::Update, Verb::Delete}),
            1 + below(3), any_size());
        break;
    }
    const int point = 1 + below(any_of({4, 6, 20, 60, 200}));
    for (auto i = before; i < plan_.steps.size(); ++i) plan_.steps[i].at_point = point;
    if (is_by_app) return add(Actor::App, 1, step, below(4), any_size());
    if (one_in(3)) return;
    add(Actor::Walwrap, 1,
        any_of({Verb::Capture, Verb::Capture, Verb::Upload, Verb::Upload, Verb::Confirm,
                Verb::Start, Verb::Stop}));
  }

  std::mt19937_64 random_;
  Habits habits_;
  Plan plan_;
};

}  // namespace

Plan make_plan(std::uint64_t seed) {
  return Generator(seed).make();
}

}  // namespace walwrap::simulation
