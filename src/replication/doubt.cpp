#include "walwrap/replication/doubt.hpp"

#include <algorithm>
#include <chrono>

namespace walwrap::replication {
namespace {

constexpr std::chrono::nanoseconds kFirstCheckPause = std::chrono::seconds(2);
constexpr std::chrono::nanoseconds kLongestCheckPause = std::chrono::minutes(2);

}  // namespace

void Doubt::on_replaced(Attachment& attachment, const DatabaseFiles& at_path) {
  if (attachment.drop_stale_wal(at_path) != Attachment::Stale::InUse) return;
  text_ = "the database file was replaced while its WAL held commits";
  log_.warn("the database was replaced while its WAL held commits",
            {{"db", name_},
             {"hint", "close the database before you replace it; walwrap checks it at the stop"}});
}

std::string Doubt::check(const Attachment& found, std::function<bool()> stopped) {
  if (!is_changed_) return "";
  const os::FileId file = found.files().database->id;
  const MonoTime now = clock_.mono();
  if (!damage_.empty() && file == damaged_ && now < next_check_) return damage_;
  const auto damage = found.find_damage(std::move(stopped));
  is_changed_ = !damage || !damage->empty();
  if (!is_changed_) {
    damage_.clear();
    return "";
  }
  if (!damage) {
    return "the database was replaced or changed, and is not checked yet: " + damage.error().text;
  }
  // Each check reads the whole database.
  pause_ = file == damaged_ && !damage_.empty() ? std::min(pause_ * 2, kLongestCheckPause)
                                                : kFirstCheckPause;
  next_check_ = clock_.mono() + pause_;
  damaged_ = file;
  damage_ = "the database was replaced or changed, and is damaged now: " + *damage;
  log_.error("the database is damaged; nothing is stored",
             {{"db", name_},
              {"cause", *damage},
              {"hint", "restore the correct file; the replica keeps what was stored before"}});
  return damage_;
}

void Doubt::resolve(const Attachment& attachment, MonoTime deadline) {
  if (text_.empty()) return;
  const auto found = attachment.find_damage([&] { return clock_.mono() >= deadline; });
  if (found && found->empty()) return text_.clear();
  text_ += ": " + (found ? *found : found.error().text);
}

}  // namespace walwrap::replication
