#include "walwrap/cli/doctor_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "walwrap/base/human.hpp"
#include "walwrap/replication/replica/compaction.hpp"
#include "walwrap/storage/stores/prices.hpp"

namespace walwrap::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Bytes kLeastFree = 128ULL << 20;     // the WAL may grow to 64 MiB; twice that is safe
constexpr Bytes kRemarkableLog = 64ULL << 20;  // the default of --wal-limit
constexpr milliseconds kExactClock = seconds(5);
constexpr milliseconds kUsableClock = seconds(600);  // S3 refuses from a quarter of an hour on
constexpr std::uint64_t kMonthSeconds = 30ULL * 24 * 3600;
constexpr std::string_view kBeItsOwner =
    "run walwrap as the user who owns it, or change its mode with chmod";

// Names as os::filesystem_name gives them.
constexpr std::array<std::string_view, 3> kFleeting = {"overlay", "tmpfs", "ramfs"};
constexpr std::array<std::string_view, 6> kRemote = {"nfs", "cifs", "smb2", "9p", "fuse", "ceph"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view level_text(FindingLevel level) {
  switch (level) {
    case FindingLevel::Ok:
      return "ok";
    case FindingLevel::Note:
      return "note";
    case FindingLevel::Problem:
      return "problem";
  }
  return "problem";
}

Finding ok(std::string subject, std::string message) {
  return {FindingLevel::Ok, std::move(subject), std::move(message), {}};
}
Finding note(std::string subject, std::string message, std::string hint = {}) {
  return {FindingLevel::Note, std::move(subject), std::move(message), std::move(hint)};
}
Finding problem(std::string subject, std::string message, std::string hint = {}) {
  return {FindingLevel::Problem, std::move(subject), std::move(message), std::move(hint)};
}

// Source: the SQLite file format, "The Database Header".
struct DatabaseHeader {
  std::uint32_t page_size = 0;
  bool is_wal = false;
};
std::optional<DatabaseHeader> parse_database_header(std::string_view bytes) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::size_t kBytes = 100, kPageSizeAt = 16, kWriteVersionAt = 18, kReadVersionAt = 19;
  constexpr char kWalVersion = 2;
  constexpr std::uint32_t kOneMeans = 65'536;
  if (bytes.size() < kBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  const auto high = static_cast<unsigned char>(bytes[kPageSizeAt]);
  const auto low = static_cast<unsigned char>(bytes[kPageSizeAt + 1]);
  const std::uint32_t size = (std::uint32_t{high} << 8) | low;
  return DatabaseHeader{
      .page_size = size == 1 ? kOneMeans : size,
      .is_wal = bytes[kWriteVersionAt] == kWalVersion && bytes[kReadVersionAt] == kWalVersion};
}

Finding finding_of_clock(milliseconds offset) {
  const auto apart = offset < milliseconds(0) ? -offset : offset;
  if (apart < kExactClock) return ok("clock", "agrees with the store's clock");
  const auto message = fmt::format("is {} {} the store's clock", format_duration(apart),
                                   offset > milliseconds(0) ? "behind" : "ahead of");
  constexpr std::string_view kHint =
      "synchronise this machine's clock, for example with chrony or ntpd";
  if (apart < kUsableClock) {
    return note("clock", message + "; walwrap signs requests with the store's time",
                std::string(kHint));
  }
  return problem("clock", message, std::string(kHint));
}

std::string advice_for(const Error& error) {
  switch (error.code) {
    case Code::Denied:
      return "allow the access key to list, get, put and delete objects below this prefix";
    case Code::Unavailable:
    case Code::Unknown:
    case Code::Deadline:
      return "check the URL, its ?endpoint=, and that this machine can connect to it";
    default:
      return "check --replica";
  }
}

}  // namespace

std::vector<Finding> findings_of(const supervisor::Platform& platform) {
  const auto message = fmt::format("{}: {} from the stop signal to SIGKILL ({})", platform.name,
                                   format_duration(platform.grace), platform.source);
  std::vector<Finding> findings;
  if (platform.name == "unknown") {
    findings.push_back(note("platform", message, "set --grace to the platform's grace period"));
  } else {
    findings.push_back(ok("platform", message));
  }
  for (const auto& warning : platform.warnings) {
    findings.push_back(problem("platform", warning.message, warning.hint));
  }
  return findings;
}

std::vector<Finding> findings_of(const DiskFinding& disk) {
  if (disk.filesystem.empty()) {
    return {problem("disk", fmt::format("directory {} does not exist", disk.directory),
                    fmt::format("mkdir -p {}, or mount its volume", disk.directory))};
  }
  std::vector<Finding> findings;
  const auto where = fmt::format("{} is on {}", disk.directory, disk.filesystem);
  if (is_one_of(kRemote, disk.filesystem)) {
    findings.push_back(problem("disk",
                               where + ", where SQLite's locks and shared memory are unreliable",
                               "put the database on a local disk: --db /var/lib/app/app.db"));
  } else if (is_one_of(kFleeting, disk.filesystem)) {
    findings.push_back(note(
        "disk", where + ", which is empty after a restart; walwrap then restores the database"));
  } else {
    findings.push_back(ok("disk", where));
  }
  if (disk.error) {
    findings.push_back(problem("disk",
                               disk.error->text + "; SQLite creates files beside the database",
                               std::string(kBeItsOwner)));
  }
  if (disk.free && *disk.free < kLeastFree) {
    findings.push_back(
        problem("disk", fmt::format("only {} are free", format_bytes(*disk.free)),
                fmt::format("free at least {}, and the size of the database again for a restore",
                            format_bytes(kLeastFree))));
  }
  return findings;
}

std::vector<Finding> findings_of(const DatabaseFinding& database) {
  const std::string& path = database.path;
  if (database.error && database.error->code == Code::NotFound) {
    return {
        note("database",
             path + " does not exist: walwrap restores it at the start, or the app creates it")};
  }
  if (database.error && database.error->code == Code::Invalid) {
    return {problem("database", database.error->text, "check --db")};
  }
  if (database.error) {
    return {problem("database", database.error->text, std::string(kBeItsOwner))};
  }
  if (database.size == 0)
    return {note("database", path + " is empty: the app has not written to it yet")};
  const auto header = parse_database_header(database.header);
  if (!header) {
    return {problem("database", path + " is not a SQLite database, or it is encrypted",
                    "check --db; an encrypted database cannot be replicated")};
  }
  const auto message = fmt::format("{}: {}, pages of {} bytes", path, format_bytes(database.size),
                                   header->page_size);
  std::vector<Finding> findings;
  if (header->is_wal) {
    findings.push_back(ok("database", message + ", in WAL mode"));
  } else {
    findings.push_back(
        note("database",
             message + ", in rollback journal mode: walwrap changes it to WAL mode at the start",
             "check that the app sets no other journal_mode and no locking_mode=EXCLUSIVE, and "
             "that its SQLite supports WAL: otherwise it stops working; to change back once "
             "walwrap is stopped: sqlite3 " +
                 path + " 'PRAGMA journal_mode=DELETE'"));
  }
  if (database.wal_size > kRemarkableLog) {
    findings.push_back(
        note("database", fmt::format("its -wal is {}: it has not been checkpointed for a long time",
                                     format_bytes(database.wal_size))));
  }
  return findings;
}

std::vector<Finding> findings_of(const NamesFinding& names) {
  std::vector<Finding> findings;
  if (names.is_mounted) {
    findings.push_back(problem(
        "database",
        names.path +
            " is mounted as a file: its -wal is outside that mount and is lost with the container",
        "mount its directory"));
  }
  if (names.names > 1) {
    findings.push_back(problem(
        "database",
        fmt::format(
            "{} has {} names (hard links): SQLite can damage a file that is open under two names",
            names.path, names.names),
        "copy the file, then remove the other names"));
  }
  return findings;
}

std::vector<Finding> findings_of(const PlaceFinding& place) {
  if (!place.exists && !place.parent_exists) {
    return {problem("store",
                    fmt::format("neither the directory {} nor its parent exists", place.directory),
                    "check --replica, and that its volume is mounted")};
  }
  if (place.error) {
    return {problem("store",
                    fmt::format("directory {} does not exist and cannot be created: {}",
                                place.directory, place.error->text),
                    std::string(kBeItsOwner))};
  }
  const auto where = fmt::format("directory {} on {}", place.directory, place.filesystem);
  if (place.dies_with_container) {
    return {problem("store", where + ", the container's own disk, which is lost with the container",
                    "mount a volume for it, or use s3://bucket/prefix")};
  }
  if (place.shares_disk) {
    return {note("store", where + ", the same disk as the database: losing it loses both",
                 "mount a volume for it, or use s3://bucket/prefix")};
  }
  if (!place.exists) return {note("store", where + ", which walwrap creates at the start")};
  return {ok("store", where)};
}

std::vector<Finding> findings_of(const BucketFinding& bucket) {
  std::vector<Finding> findings;
  if (!bucket.credentials.empty()) {
    findings.push_back(ok("credentials", "from " + bucket.credentials));
  }
  if (!bucket.address.empty()) {
    const auto who = fmt::format("{} at {} ({})", bucket.provider, bucket.host, bucket.address);
    if (!bucket.tls.empty()) {
      const auto version = bucket.is_http2 ? ", HTTP/2" : "";
      findings.push_back(ok("store", fmt::format("{}, {}{}", who, bucket.tls, version)));
    } else if (bucket.is_local) {
      findings.push_back(ok("store", who + ", without TLS on this machine"));
    } else {
      findings.push_back(note("store",
                              who + ", without TLS: anyone on the network path can read the data",
                              "write https:// in ?endpoint="));
    }
  }
  if (bucket.error) {
    const bool is_identity = bucket.credentials.empty() && bucket.address.empty() &&
                             (bucket.error->code == Code::Denied ||
                              bucket.error->text.find("credentials") != std::string::npos);
    findings.push_back(problem(is_identity ? "credentials" : "store", bucket.error->text,
                               is_identity ? "" : advice_for(*bucket.error)));
  }
  if (bucket.clock_offset) findings.push_back(finding_of_clock(*bucket.clock_offset));
  return findings;
}

std::vector<Finding> findings_of(const RightsFinding& rights) {
  std::vector<Finding> findings;
  for (const auto& step : rights.steps) {
    std::string name(step.name);
    if (step.error) {
      findings.push_back(problem(name, step.error->text, advice_for(*step.error)));
    } else {
      findings.push_back(ok(name, "allowed"));
    }
  }
  if (!rights.create_only) return findings;
  if (*rights.create_only) {
    findings.push_back(ok("create-only", "supported: walwrap would detect a second writer"));
  } else {
    findings.push_back(note("create-only",
                            "not supported: walwrap would not detect a second writer (fencing=off)",
                            "never run two instances with one replica"));
  }
  return findings;
}

std::vector<Finding> findings_of(const CostFinding& cost) {
  const auto* prices = storage::prices_of(cost.provider, cost.region);
  if (prices == nullptr) {
    return {ok("cost", fmt::format("walwrap knows no list price of {}", cost.provider))};
  }
  constexpr double kGigabyte = 1e9;
  const auto every = std::max<std::int64_t>(1, cost.interval.count());
  const auto uploads = kMonthSeconds * 1'000 / static_cast<std::uint64_t>(every);
  // This many files make one of the next level, and this many of those one of the level after it.
  const auto puts = uploads + uploads / (replication::Compaction::Limits{}.files - 1);
  const double space = static_cast<double>(cost.database_size) / kGigabyte * prices->gigabyte_month;
  return {ok("cost",
             fmt::format("{:.2f} USD a month for the {} uploads of an app that never stops writing "
                         "(one every {}) and their compacted files, no requests while it is idle; "
                         "{:.2f} USD for the space of one copy (list prices of {})",
                         storage::price_of_puts(*prices, puts), uploads,
                         format_duration(cost.interval), space, prices->as_of))};
}

bool is_well(const std::vector<Finding>& findings) {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.level == FindingLevel::Problem;
  });
}

std::string format_findings(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<9}{:<13}{}{}{}\n", level_text(finding.level), finding.subject,
                        finding.message, finding.hint.empty() ? "" : "; ", finding.hint);
  }
  return text;
}

std::string format_findings_json(const std::vector<Finding>& findings) {
  nlohmann::ordered_json json = {{"version", 1}, {"ok", is_well(findings)}};
  auto& list = json["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"level", level_text(finding.level)},
                    {"subject", finding.subject},
                    {"message", finding.message},
                    {"hint", finding.hint}});
  }
  // A file name or a server's text may not be UTF-8.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace walwrap::cli
