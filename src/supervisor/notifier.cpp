#include "walwrap/supervisor/notifier.hpp"

#include <utility>

#include "walwrap/os/atomic_file.hpp"
#include "walwrap/os/console.hpp"
#include "walwrap/os/notify_socket.hpp"

namespace walwrap::supervisor {

namespace {

constexpr std::uint32_t kReadyFileMode = 0644;  // any prober may read it

Result<void> write_ready_file(const os::Path& path, os::Pid app) {
  auto file = TRY(os::AtomicFile::create(path, kReadyFileMode));
  TRY(file.write(as_bytes(fmt::format("{}\n", app.value))));
  return file.commit(os::AtomicFile::Publish::Replace);
}

}  // namespace

Notifier::Notifier(AnnouncerOptions options, const Log& log)
    : options_(std::move(options)), log_(log) {
  unmake_ready();
}

void Notifier::announce(const Announcement& what) {
  if (what.kind == Announcement::Kind::Ready) make_ready(what.app);
  if (what.kind == Announcement::Kind::Stopping) unmake_ready();
  tell_manager(what);
}

void Notifier::make_ready(os::Pid app) {
  if (options_.ready_descriptor.is_open()) {
    if (!os::write_line_end(options_.ready_descriptor)) {
      log_.warn("the descriptor of --ready-fd has no reader");
    }
    options_.ready_descriptor.reset();
  }
  if (options_.ready_file.empty()) return;
  const auto written = write_ready_file(options_.ready_file, app);
  if (!written) log_.warn("ready file cannot be written", {{"reason", written.error().text}});
}

void Notifier::unmake_ready() {
  if (options_.ready_file.empty()) return;
  const auto removed = os::remove_file(options_.ready_file);
  if (removed || removed.error().code == Code::NotFound) return;
  log_.warn("ready file cannot be removed", {{"reason", removed.error().text}});
}

void Notifier::tell_manager(const Announcement& what) {
  if (options_.manager_socket.empty()) return;
  if (options_.app_says_ready && what.kind == Announcement::Kind::Ready) return;
  const auto told = os::send_datagram(options_.manager_socket, format_announcement(what));
  if (told || std::exchange(has_complained_, true)) return;
  log_.warn("cannot notify the service manager", {{"reason", told.error().text}});
}

}  // namespace walwrap::supervisor
