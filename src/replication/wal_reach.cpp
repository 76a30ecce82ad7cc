#include "walwrap/replication/wal_reach.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/base/bytes.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kWalReadBytes = 1U << 20;
// Salts of unrelated WAL files are random: that two of them look like neighbours happens once in
// half a million pairs.
constexpr std::int32_t kMostRestarts = 4096;

// Feeds whole frames, one at a time: the scanner's position is then known after each commit.
Result<void> scan(const os::File& file, wal::Scanner& scanner, WalCommits& found) {
  const Bytes frame = wal::frame_bytes(scanner.page_size());
  const Bytes batch = std::max<Bytes>(1, kWalReadBytes / frame) * frame;
  ByteVector buffer(static_cast<std::size_t>(batch));
  while (!scanner.ended()) {
    const std::size_t got = TRY(file.read_at(buffer, scanner.next_offset()));
    ByteSpan rest = ByteSpan(buffer).first(got);
    if (rest.size() < frame) return {};
    for (; rest.size() >= frame && !scanner.ended(); rest = rest.subspan(frame)) {
      if (scanner.feed(rest.first(frame)).empty()) continue;
      found.commits.push_back({scanner.position().frame, scanner.position().checksum});
    }
  }
  return {};
}

}  // namespace

PositionBytes format_position(const wal::Position& position) {
  PositionBytes bytes{};
  const MutableByteSpan out(bytes);
  store_be32(out, position.salts.first);
  store_be32(out.subspan(4), position.salts.second);
  store_be32(out.subspan(8), position.frame);
  store_be32(out.subspan(12), position.checksum.first);
  store_be32(out.subspan(16), position.checksum.second);
  return bytes;
}

std::optional<wal::Position> parse_position(const PositionBytes& bytes) {
  if (bytes == PositionBytes{}) return std::nullopt;
  const ByteSpan in(bytes);
  return wal::Position{.salts = {load_be32(in), load_be32(in.subspan(4))},
                       .frame = load_be32(in.subspan(8)),
                       .checksum = {load_be32(in.subspan(12)), load_be32(in.subspan(16))}};
}

Result<WalCommits> read_wal_commits(const os::Path& database) {
  WalCommits found;
  const auto file = os::File::open(database.string() + "-wal", os::File::Open::ReadOnly);
  if (!file && file.error().code == Code::NotFound) return found;
  if (!file) return fail(file.error().code, "open the WAL: {}", file.error().text);
  std::array<std::byte, wal::kHeaderBytes> header{};
  const auto got = TRY(file->read_at(header, 0));
  if (got != header.size()) return found;
  auto scanner = wal::Scanner::start(header, std::nullopt);
  if (!scanner || !*scanner) return found;  // SQLite ignores it, too
  found.salts = (*scanner)->header().salts;
  TRY(scan(*file, **scanner, found).context("read the WAL"));
  return found;
}

Reach reach_of(const WalCommits& found, const wal::Position& stored) {
  if (!found.salts) return Reach::Unproven;
  if (*found.salts != stored.salts) {
    const auto restarts = static_cast<std::int32_t>(found.salts->first - stored.salts.first);
    if (restarts == 0 || restarts > kMostRestarts || restarts < -kMostRestarts) {
      return Reach::Unproven;
    }
    return restarts > 0 ? Reach::Restarted : Reach::Behind;
  }
  if (stored.frame == 0) return Reach::Proven;  // all before this generation is in the database
  if (found.end() < stored.frame) return Reach::Behind;
  const auto at = std::lower_bound(
      found.commits.begin(), found.commits.end(), stored.frame,
      [](const WalCommits::Commit& commit, std::uint32_t frame) { return commit.frame < frame; });
  const bool is_same = at->frame == stored.frame && at->checksum == stored.checksum;
  return is_same ? Reach::Proven : Reach::Forked;
}

ReachFound reach_of_any(const WalCommits& found, std::span<const wal::Position> stored) {
  ReachFound best;
  for (const wal::Position& position : stored) {
    const Reach reach = reach_of(found, position);
    if (reach == Reach::Proven) return {reach, position};
    if (best.reach == Reach::Unproven) best.reach = reach;
  }
  return best;
}

}  // namespace walwrap::replication
