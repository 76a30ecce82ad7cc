// The end of each history of a simulated world: everything is healed and stopped, and what can be
// restored is restored and compared.
#include <algorithm>
#include <fstream>

#include "tests/simulation/world.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/points.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/upload/store_profile.hpp"

namespace walwrap::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kTurnsUntilMended = 24;
constexpr milliseconds kMendPause{500};

}  // namespace

void World::finish() {
  scene_.note("the end");
  scene_.replica.heal();
  for (Host& host : hosts_) {
    scene_.replica.join(host.number);
    set_full(host, false);
    for (int pid = host.pid_of_walwrap(); pid <= host.pid_of_app(kApps); ++pid) {
      kernel_.break_calls(pid, 0, Defect::Io);
    }
  }
  scene_.replica.forget_faults();
  for (Host& host : hosts_) {
    Walwrap& walwrap = walwrap_on(host);
    if (!walwrap.is_running() && (host.is_up || std::filesystem::exists(host.database))) {
      // init restarts what has died; a host that is down is started once more.
      start(walwrap);
    }
    if (walwrap.is_running()) stop(host);
    const bool is_excused = scene_.has_lost_files || host.is_wild || walwrap.has_defects();
    if (is_excused && scene_.wrong.empty()) run_again(host);
    host.is_up = false;
    if (!scene_.wrong.empty()) return;
  }
  check_points();
  if (scene_.wrong.empty()) check_restore();
}

// A bucket is listed rarely: a stop may be the first to see a gap. The next run mends it, if it
// lasts for ten seconds. A replica that is empty now is refused.
void World::run_again(Host& host) {
  const bool had_lost_files = std::exchange(scene_.has_lost_files, false);
  // Without a state nobody knows whether the files that are left belong to this database.
  const bool is_refused = had_lost_files && (host.may_lack_state || scene_.replica.has_no_files());
  host.may_be_refused = host.may_be_refused || is_refused;
  start(walwrap_on(host));
  for (int i = 0; i < kTurnsUntilMended; ++i) {
    let_others_run(host);
    kernel_.advance(kMendPause);
  }
  stop(host);
}

// Every state that one can restore is one that the app had, and they are in the order of the app.
void World::check_points() {
  const auto images = scene_.replica.rebuild_all();
  for (const auto& [txid, image] : images) {
    ++report_.restores;
    const auto text = rows_in(image);
    // Nor is a file stored that somebody has damaged, unless it is all that is there.
    if (!scene_.was_wild && text.starts_with("!")) {
      return scene_.fail(fmt::format("TXID {} cannot be read: {}", txid, text.substr(1)));
    }
    if (!scene_.was_wild && !scene_.oracle.is_known(text)) {
      return scene_.fail(fmt::format("TXID {} is a state that the app never had", txid));
    }
  }
  if (images.empty() && !scene_.oracle.confirmed().empty()) {
    return scene_.fail("nothing can be restored, and something was confirmed");
  }
  if (images.empty()) return;
  const auto newest = rows_in(images.rbegin()->second);
  if (scene_.was_wild && newest.starts_with("!")) return;
  if (!scene_.oracle.find(newest, scene_.oracle.confirmed())) {
    scene_.fail("the newest stored state lacks commits that were confirmed");
  }
}

// With the production code: the newest state, one in the middle, which compacted files shorten, and
// the one of the time at which that was stored.
void World::check_restore() {
  const auto images = scene_.replica.rebuild_all();
  if (images.empty()) return;
  const Kernel::As nobody(kNobody);
  const auto store = scene_.replica.open();
  const auto listing =
      replication::list_replica(*store, replication::key_style_of(scene_.replica.kind()));
  if (!listing) return scene_.fail("a listing fails: " + listing.error().text);
  const auto points = replication::find_points(listing->files);
  const auto point_of = [&](Txid txid) {
    return std::find_if(points.begin(), points.end(),
                        [&](const auto& point) { return point.txid == txid; });
  };
  auto middle = images.begin();
  std::advance(middle, static_cast<std::ptrdiff_t>(kernel_.random() % images.size()));
  for (const Txid txid : std::set{images.rbegin()->first, middle->first}) {
    if (point_of(txid) == points.end()) {
      return scene_.fail(fmt::format("TXID {} is not listed as restorable", txid));
    }
    check_restored(listing->files, {.txid = txid, .before = std::nullopt}, images, txid);
  }
  if (!are_times_kept() || scene_.was_wild || !scene_.wrong.empty()) return;
  const auto time = point_of(middle->first)->time;
  Txid newest = middle->first;
  for (const auto& point : points) {
    if (point.time <= time && images.contains(point.txid)) newest = std::max(newest, point.txid);
  }
  const auto text = rows_in(images.at(newest));
  if (!scene_.oracle.was_there(text, time)) {
    return scene_.fail(fmt::format("TXID {} is not what the app had at its time", newest));
  }
  check_restored(listing->files, {.txid = std::nullopt, .before = time + milliseconds(1)}, images,
                 newest);
}

// A clock went back, or what was stored at a time is gone and only a later snapshot has it.
bool World::are_times_kept() const {
  return std::none_of(plan_.steps.begin(), plan_.steps.end(), [](const Step& step) {
    return step.verb == Verb::Expire || (step.verb == Verb::Jump && step.first < 0);
  });
}

void World::check_restored(const std::vector<replication::StoredFile>& files,
                           const replication::RestoreTarget& target,
                           const std::map<Txid, ByteVector>& images, Txid wanted) {
  auto plan = replication::plan_restore(files, target);
  if (!plan) return scene_.fail("a restore is refused: " + plan.error().text);
  if (plan->reached != wanted) {
    return scene_.fail(fmt::format("TXID {} is restored, not {}", plan->reached, wanted));
  }
  const auto output = directory_ / fmt::format("restored-{}", wanted);
  std::filesystem::remove(output);
  const auto restored = replication::restore_database(
      {.open_store =
           [this](const auto&) {
             return Result<std::unique_ptr<storage::ObjectStore>>(scene_.replica.open());
           },
       .style = replication::key_style_of(scene_.replica.kind()),
       .plan = *std::move(plan),
       .output = output,
       .integrity = replication::Integrity::None,
       .on_progress = [](const auto&) {},
       .cancelled = [] { return false; }});
  if (!restored) return scene_.fail("a restore fails: " + restored.error().text);
  ++report_.restores;
  if (bytes_of(output) != images.at(wanted)) {
    scene_.fail(fmt::format("TXID {} is restored as something else", wanted));
  }
}

}  // namespace walwrap::simulation
