#include "walwrap/supervisor/service_manager.hpp"

#include <fmt/format.h>

#include "walwrap/base/decimal.hpp"

namespace walwrap::supervisor {

namespace {

using std::chrono::microseconds;

std::string extension(std::chrono::milliseconds needed) {
  return fmt::format("EXTEND_TIMEOUT_USEC={}\n", microseconds(needed).count());
}

}  // namespace

std::string format_announcement(const Announcement& announcement) {
  switch (announcement.kind) {
    case Announcement::Kind::Preparing:
      return "STATUS=preparing the database\n" + extension(announcement.needed);
    case Announcement::Kind::Ready:
      return fmt::format("READY=1\nSTATUS=app running as {}\n", announcement.app.value);
    case Announcement::Kind::Alive:
      return "WATCHDOG=1\n";
    case Announcement::Kind::Stopping:
      return "STOPPING=1\nSTATUS=stopping\n" + extension(announcement.needed);
  }
  return {};
}

ServiceManagerRules find_manager(const Variables& environment, os::Pid own) {
  const auto value = [&](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string_view() : std::string_view(found->second);
  };
  ServiceManagerRules rules;
  rules.listens = !value("NOTIFY_SOCKET").empty();
  const auto interval = parse_decimal<std::uint32_t>(value("WATCHDOG_USEC"));
  const auto meant = value("WATCHDOG_PID");
  const bool is_ours = meant.empty() || parse_decimal<int>(meant) == own.value;
  if (rules.listens && is_ours && interval && *interval > 0) {
    rules.watchdog = microseconds{*interval};
  }
  return rules;
}

}  // namespace walwrap::supervisor
