// The two files that every restore to the newest state needs complete: the first file of the chain,
// and the newest upload. What is known of them, and what is in the store now.
//
// Blocks in the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

struct KnownFile {
  Bytes size = 0;
  std::uint64_t checksum = 0;  // of the file, from its trailer
  bool operator==(const KnownFile&) const = default;
};
struct KnownFront {
  Level level;
  TxidRange txids;
  KnownFile file;
  bool is_of(const StoredFile& stored) const {
    return level == stored.level && txids == stored.txids;
  }
  bool operator==(const KnownFront&) const = default;
};

struct FileSight {
  ltx::Header header;
  KnownFile found;
};
// Reads header and trailer. `file` has the size that the store reports. Corrupt: its content does
// not match its name, or it is truncated.
Result<FileSight> inspect_file(storage::ObjectStore& store, KeyStyle style, const StoredFile& file);

struct FileCheck {
  std::optional<KnownFile> found = {};  // none: its content does not match its name
  std::string damage = {};              // what is wrong with it; "": nothing
};
// Checks that the file matches its name, and matches the known one if there is one. Errors: the
// store's. A missing, truncated or foreign file counts as damage.
Result<FileCheck> check_file(storage::ObjectStore& store, KeyStyle style, const StoredFile& file,
                             const std::optional<KnownFile>& known);
// Of this file, if it is the known front.
std::optional<KnownFile> known_of(const std::optional<KnownFront>& front, const StoredFile& file);

// How the file differs from the known one. "": it does not.
std::string difference_of(const KnownFile& known, const KnownFile& found);

}  // namespace walwrap::replication
