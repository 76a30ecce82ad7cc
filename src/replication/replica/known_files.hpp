// The two files that every restore to the newest state needs whole: the one that the chain begins
// with, and the newest upload. What is known of them, and what is there now.
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
// Reads header and trailer; `file` has the size that the store tells. Corrupt: it is not what its
// name says, or cut.
Result<FileSight> inspect_file(storage::ObjectStore& store, KeyStyle style, const StoredFile& file);

struct FileCheck {
  std::optional<KnownFile> found = {};  // none: it cannot be read as what its name says
  std::string damage = {};              // why it is not what it should be; "": it is
};
// Whether it is what its name says, and as it is known, if it is known. Errors: the store's; that
// it is not there, cut or of another format is damage.
Result<FileCheck> check_file(storage::ObjectStore& store, KeyStyle style, const StoredFile& file,
                             const std::optional<KnownFile>& known);
// Of this file, if the front is this one.
std::optional<KnownFile> known_of(const std::optional<KnownFront>& front, const StoredFile& file);

// Why the file is not what is known of it; "": it is.
std::string difference_of(const KnownFile& known, const KnownFile& found);

}  // namespace walwrap::replication
