#include "walwrap/replication/sync_requests.hpp"

#include <fmt/format.h>

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/text.hpp"

namespace walwrap::replication {

std::string format_position(const CommitPosition& position) {
  return fmt::format("{}-{}-{}", position.file, position.attachment, position.commits);
}

std::optional<CommitPosition> parse_position(std::string_view text) {
  const auto parts = split(text, '-');
  if (parts.size() != 3) return std::nullopt;
  const auto file = parse_hex16(parts[0]);
  const auto attachment = parse_hex16(parts[1]);
  const auto commits = parse_decimal<std::uint64_t>(parts[2]);
  if (!file || !attachment || !commits) return std::nullopt;
  return CommitPosition{.file = {*file}, .attachment = {*attachment}, .commits = *commits};
}

Result<std::unique_ptr<SyncRequests>> SyncRequests::create() {
  auto asked = TRY(os::Wakeup::create());
  auto progressed = TRY(os::Wakeup::create());
  return std::unique_ptr<SyncRequests>(new SyncRequests(std::move(asked), std::move(progressed)));
}

std::uint64_t SyncRequests::ask_look(Pace pace) {
  std::uint64_t ticket = 0;
  requested_.update([&](Requested& requested) {
    ticket = ++requested.look;
    requested.listening = true;
    if (pace == Pace::StoreNow) requested.store_now = ticket;
  });
  asked_.notify();
  return ticket;
}

std::uint64_t SyncRequests::ask_snapshot() {
  std::uint64_t ticket = 0;
  requested_.update([&](Requested& requested) {
    ticket = ++requested.look;
    requested.listening = true;
    requested.snapshot = ticket;
  });
  asked_.notify();
  return ticket;
}

void SyncRequests::stop_listening() {
  requested_.update([](Requested& requested) { requested.listening = false; });
}

void SyncRequests::publish(const Progress& progress) {
  bool is_new = false;
  progress_.update([&](Progress& known) {
    is_new = !(known == progress);
    if (is_new) known = progress;
  });
  if (is_new && requested_.get().listening) progressed_.notify();
}

}  // namespace walwrap::replication
