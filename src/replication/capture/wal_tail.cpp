#include "walwrap/replication/capture/wal_tail.hpp"

#include <array>

namespace walwrap::replication {
namespace {

constexpr std::size_t kChunkBytes = 256U << 10;
constexpr Bytes kMostRead = 64ULL << 20;

}  // namespace

Result<bool> holds_commit_beyond(const std::optional<wal::Position>& stored, const os::Path& wal) {
  const auto file = os::File::open(wal, os::File::Open::ReadOnly);
  if (!file && file.error().code == Code::NotFound) return false;
  if (!file) return fail(file.error());
  std::array<std::byte, wal::kHeaderBytes> bytes{};
  const auto head = TRY(file->read_at(bytes, 0));
  if (head < bytes.size()) return false;
  const auto header = TRY(wal::parse_header(bytes));
  if (!header) return false;
  // A position before the first frame has no checksum from which to continue: the whole WAL is
  // read.
  const bool is_in_this_wal = stored && stored->frame > 0 && stored->salts == header->salts;
  auto scanner = TRY(wal::Scanner::start(bytes, is_in_this_wal ? stored : std::nullopt));
  ByteVector buffer(kChunkBytes);
  const Bytes begin = scanner->next_offset();
  while (!scanner->ended() && scanner->next_offset() - begin < kMostRead) {
    const auto got = TRY(file->read_at(buffer, scanner->next_offset()));
    if (got == 0) break;
    if (!scanner->feed(ByteSpan(buffer).first(got)).empty()) return true;
  }
  return false;
}

}  // namespace walwrap::replication
