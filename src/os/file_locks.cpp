#include "walwrap/os/file_locks.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "walwrap/base/decimal.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

// Some ten thousand locks. If there are more, the name in a log line is not worth reading them.
constexpr Bytes kLocksLimit = Bytes{1} << 20;

// "12: POSIX  ADVISORY  READ 3568 fe:00:2531452 123 123"
std::optional<FileLock> parse_line(std::string_view line) {
  constexpr std::size_t kKind = 1, kPid = 4, kFile = 5, kFirst = 6, kLast = 7, kFields = 8;
  std::array<std::string_view, kFields> fields;
  for (std::string_view& field : fields) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    field = line.substr(0, line.find(' '));
    line.remove_prefix(field.size());
  }
  // A waiter has "->" in the place of the kind.
  if (fields[kKind] != "POSIX" && fields[kKind] != "OFDLCK") return std::nullopt;
  const auto file = fields[kFile];
  const std::size_t device_end = std::min(file.rfind(':'), file.size());
  const auto inode =
      parse_decimal<std::uint64_t>(file.substr(std::min(device_end + 1, file.size())));
  const auto pid = parse_decimal<int>(fields[kPid]);
  const auto first = parse_decimal<Bytes>(fields[kFirst]);
  const auto last = fields[kLast] == "EOF" ? std::numeric_limits<Bytes>::max()
                                           : parse_decimal<Bytes>(fields[kLast]);
  if (!inode || !pid || !first || !last) return std::nullopt;
  return FileLock{.holder = *pid > 0 ? std::optional(Pid{*pid}) : std::nullopt,
                  .device = std::string(file.substr(0, device_end)),
                  .inode = *inode,
                  .first = *first,
                  .last = *last};
}

}  // namespace

std::vector<FileLock> parse_file_locks(std::string_view text) {
  std::vector<FileLock> locks;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto lock = parse_line(line)) locks.push_back(*std::move(lock));
  }
  return locks;
}

Result<std::vector<FileLock>> read_file_locks() {
  const auto text = TRY(read_file("/proc/locks", kLocksLimit).context("list file locks"));
  return parse_file_locks(as_text(text));
}

}  // namespace walwrap::os
