#include "walwrap/replication/doubt.hpp"

namespace walwrap::replication {

void Doubt::on_replaced(Attachment& attachment, const DatabaseFiles& at_path) {
  if (attachment.drop_stale_wal(at_path) != Attachment::Stale::InUse) return;
  text_ = "the database file was replaced while its WAL held commits";
  log_.warn("the database was replaced while its WAL held commits",
            {{"db", name_},
             {"hint", "close the database before you replace it; it is checked at the end"}});
}

void Doubt::resolve(const Attachment& attachment, MonoTime deadline) {
  if (text_.empty()) return;
  const auto found = attachment.find_damage([&] { return clock_.mono() >= deadline; });
  if (found && found->empty()) return text_.clear();
  text_ += ": " + (found ? *found : found.error().text);
}

}  // namespace walwrap::replication
