#include "walwrap/replication/replica/points_lister.hpp"

#include <utility>

#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/replica/plan.hpp"

namespace walwrap::replication {
namespace {

constexpr std::chrono::seconds kFresh{10};
constexpr int kFreshTimesTook = 50;

}  // namespace

PointsLister::~PointsLister() {
  stopped_.set(true);
  thread_.join();
}

void PointsLister::ask() {
  const auto now = current_.get();
  if (now.running || clock_.mono() < now.fresh_until) return;
  current_.update([](Current& current) { current.running = true; });
  thread_ = os::Thread(
      "points", [this] { list(); },
      [this](std::string_view what) {
        current_.update([&](Current& current) {
          current.running = false;
          current.error = what;
        });
      });
}

void PointsLister::list() {
  os::lower_thread_priority();
  const MonoTime begun = clock_.mono();
  auto found = find();
  const MonoTime now = clock_.mono();
  current_.update([&](Current& current) {
    current.running = false;
    current.fresh_until = now + kFresh + kFreshTimesTook * (now - begun);
    current.error = found ? "" : found.error().text;
    if (found) current.found = *std::move(found);
  });
  if (options_.finished != nullptr) options_.finished->notify();
}

Result<PointsFound> PointsLister::find() {
  auto store = TRY(options_.open_store([this] { return stopped_.get(); }));
  const WallTime listed = clock_.wall();
  const auto listing = TRY(list_replica(*store, options_.style).context("list the replica"));
  const auto plan = plan_restore(listing.files, {});
  if (!plan && plan.error().code == Code::Corrupt) options_.on_broken();
  return summarize_points(listing.files, listed);
}

}  // namespace walwrap::replication
