#include "walwrap/replication/replica/wal_reach.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "walwrap/base/bytes.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kWalReadBytes = 1U << 20;
// Salts of unrelated WAL files are random: two of them look like neighbours once in half a million
// pairs.
constexpr std::int32_t kMostRestarts = 4096;
constexpr int kWalReads = 20;  // while the app runs

using CommitVisit = std::function<void(const wal::Transaction&)>;

// Feeds whole frames one at a time, so the scanner's position is known after each commit.
Result<void> scan(const os::File& file, wal::Scanner& scanner, const CommitVisit& visit) {
  const Bytes frame = wal::frame_bytes(scanner.page_size());
  const Bytes batch = std::max<Bytes>(1, kWalReadBytes / frame) * frame;
  ByteVector buffer(static_cast<std::size_t>(batch));
  while (!scanner.ended()) {
    const std::size_t got = TRY(file.read_at(buffer, scanner.next_offset()));
    ByteSpan rest = ByteSpan(buffer).first(got);
    if (rest.size() < frame) return {};
    for (; rest.size() >= frame && !scanner.ended(); rest = rest.subspan(frame)) {
      for (const wal::Transaction& transaction : scanner.feed(rest.first(frame))) {
        visit(transaction);
      }
    }
  }
  return {};
}

// nullopt: there is no WAL, or none that SQLite would use.
struct OpenWal {
  os::File file;
  std::array<std::byte, wal::kHeaderBytes> header{};
};
Result<std::optional<OpenWal>> open_wal(const os::Path& database) {
  auto file = os::File::open(database.string() + "-wal", os::File::Open::ReadOnly);
  if (!file && file.error().code == Code::NotFound) return std::optional<OpenWal>();
  if (!file) return fail(file.error().code, "open the WAL: {}", file.error().text);
  OpenWal wal{.file = *std::move(file)};
  const auto got = TRY(wal.file.read_at(wal.header, 0));
  if (got != wal.header.size()) return std::optional<OpenWal>();
  return std::optional(std::move(wal));
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

namespace {

// nullopt: the WAL restarted meanwhile, so two generations were read.
Result<std::optional<WalCommits>> try_read_commits(const OpenWal& wal) {
  WalCommits found;
  auto scanner = wal::Scanner::start(wal.header, std::nullopt);
  if (!scanner || !*scanner) return std::optional(found);  // SQLite ignores it, too
  found.salts = (*scanner)->header().salts;
  const auto note = [&](const wal::Transaction&) {
    found.commits.push_back({(*scanner)->position().frame, (*scanner)->position().checksum});
  };
  TRY(scan(wal.file, **scanner, note).context("read the WAL"));
  std::array<std::byte, wal::kHeaderBytes> after{};
  const auto got = TRY(wal.file.read_at(after, 0));
  if (got == after.size() && after == wal.header) return std::optional(std::move(found));
  return std::optional<WalCommits>();
}

}  // namespace

Result<WalCommits> read_wal_commits(const os::Path& database) {
  for (int i = 0; i < kWalReads; ++i) {
    const auto wal = TRY(open_wal(database));
    if (!wal) return WalCommits{};
    auto found = TRY(try_read_commits(*wal));
    if (found) return *std::move(found);
  }
  return fail(Code::Busy, "the WAL of {} restarted during each read", database.string());
}

Result<WalPages> read_wal_pages_after(const os::Path& database, const wal::Position& position) {
  WalPages found;
  const auto wal = TRY(open_wal(database));
  if (!wal) return found;
  auto scanner = TRY(wal::Scanner::start(wal->header, position).context("read the WAL"));
  if (!scanner) return found;
  const auto note = [&](const wal::Transaction& transaction) {
    found.any = true;
    for (const Pgno pgno : transaction.pages) found.pages.add(pgno);
  };
  TRY(scan(wal->file, *scanner, note).context("read the WAL"));
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
  if (stored.frame == 0) return Reach::Proven;  // older frames are in the database
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
