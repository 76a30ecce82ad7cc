#include "walwrap/replication/replica/known_files.hpp"

#include <fmt/format.h>

#include "walwrap/replication/replica/fetch.hpp"
#include "walwrap/replication/replica/stored_file.hpp"

namespace walwrap::replication {

Result<FileSight> inspect_file(storage::ObjectStore& store, KeyStyle style,
                               const StoredFile& file) {
  const std::string key = file_key(style, file.level, file.txids);
  if (file.size < ltx::kSmallestFileBytes) {
    return fail(Code::Corrupt, "{} is cut off at {} bytes", key, file.size);
  }
  FileSight sight;
  sight.header = TRY(read_header(store, key));
  if (sight.header.txids != file.txids) {
    return fail(Code::Corrupt, "{}: its header says TXIDs {} to {}", key, sight.header.txids.first,
                sight.header.txids.last);
  }
  ByteVector bytes;
  TRY(fetch_range(store, key, {file.size - ltx::kTrailerBytes, ltx::kTrailerBytes}, bytes));
  const auto trailer = TRY(ltx::parse_trailer(bytes, sight.header).context(key));
  sight.found = {.size = file.size, .checksum = trailer.file_checksum};
  return sight;
}

Result<FileCheck> check_file(storage::ObjectStore& store, KeyStyle style, const StoredFile& file,
                             const std::optional<KnownFile>& known) {
  const auto sight = inspect_file(store, style, file);
  if (!sight) {
    const Code code = sight.error().code;
    const bool is_damage =
        code == Code::Corrupt || code == Code::Unsupported || code == Code::NotFound;
    if (!is_damage) return fail(sight.error());
    return FileCheck{.damage = sight.error().text};
  }
  FileCheck check{.found = sight->found};
  const auto difference = known ? difference_of(*known, sight->found) : "";
  if (!difference.empty()) {
    check.damage = fmt::format("{} differs from what was stored: {}",
                               file_key(style, file.level, file.txids), difference);
  }
  return check;
}

std::optional<KnownFile> known_of(const std::optional<KnownFront>& front, const StoredFile& file) {
  if (!front || !front->is_of(file)) return std::nullopt;
  return front->file;
}

std::string difference_of(const KnownFile& known, const KnownFile& found) {
  if (known.size != found.size) {
    return fmt::format("it has {} bytes, and had {}", found.size, known.size);
  }
  return known.checksum == found.checksum ? "" : "its checksum differs";
}

}  // namespace walwrap::replication
