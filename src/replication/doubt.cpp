#include "walwrap/replication/doubt.hpp"

namespace walwrap::replication {

void Doubt::on_replaced(Attachment& attachment, const DatabaseFiles& at_path) {
  if (attachment.drop_stale_wal(at_path) != Attachment::Stale::InUse) return;
  text_ = "the database file was replaced while its WAL held commits";
  log_.warn("the database was replaced while its WAL held commits",
            {{"db", name_},
             {"hint", "close the database before you replace it; it is checked at the end"}});
}

std::string Doubt::check(const Attachment& found, std::function<bool()> stopped) {
  if (!is_changed_) return "";
  const auto damage = found.find_damage(std::move(stopped));
  is_changed_ = !damage || !damage->empty();
  if (!is_changed_) return "";
  const std::string cause = damage ? *damage : damage.error().text;
  log_.error("the database is damaged, nothing of it is stored",
             {{"db", name_},
              {"cause", cause},
              {"hint", "put the right file back; the replica keeps what was stored before"}});
  return "the database was replaced or changed, and is damaged now: " + cause;
}

void Doubt::resolve(const Attachment& attachment, MonoTime deadline) {
  if (text_.empty()) return;
  const auto found = attachment.find_damage([&] { return clock_.mono() >= deadline; });
  if (found && found->empty()) return text_.clear();
  text_ += ": " + (found ? *found : found.error().text);
}

}  // namespace walwrap::replication
