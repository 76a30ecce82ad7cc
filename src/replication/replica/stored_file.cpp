#include "walwrap/replication/replica/stored_file.hpp"

#include "walwrap/ltx/capacity.hpp"
#include "walwrap/ltx/decoder.hpp"
#include "walwrap/replication/replica/fetch.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kPieceBytes = 4 << 20;  // of a file that is read from beginning to end

// Puts the pages of one file into `sums` and checks every rule of the file.
Result<ltx::Header> apply_file(storage::ObjectStore& store, const std::string& key,
                               const StoredFile& file, std::uint32_t pages_before, PageSums& sums) {
  const auto info = TRY(store.head(key));
  auto decoder = TRY(ltx::Decoder::start(object_reader(store, key, info.size, kPieceBytes)));
  const ltx::Header& header = decoder.header();
  if (header.txids != file.txids) {
    return fail(Code::Corrupt, "its header says TXIDs {} to {}", header.txids.first,
                header.txids.last);
  }
  // A file has every page that it adds to the database.
  const auto most = pages_before + ltx::most_pages_in(info.size, header.page_size) + 1;
  if (header.commit > most) {
    return fail(Code::Corrupt, "its header says {} pages, and there can be {} at most",
                header.commit, most);
  }
  // A full image replaces everything that was known. Any other file keeps it, up to its end.
  if (header.txids.first == Txid{1}) {
    TRY(sums.resize(0));
  }
  TRY(sums.resize(header.commit));
  ByteVector page(header.page_size.value);
  while (true) {
    const auto pgno = TRY(decoder.next_page(page));
    if (!pgno) return header;
    sums.set(*pgno, page_sum(page), file.txids.last);
  }
}

}  // namespace

Result<AppliedToSums> apply_to_sums(storage::ObjectStore& store, KeyStyle style,
                                    std::span<const StoredFile> files, PageSums& sums) {
  WW_CHECK(!files.empty());
  AppliedToSums applied;
  applied.pages = sums.pages();
  const StoredFile* before = nullptr;
  for (const StoredFile& file : files) {
    const std::string key = file_key(style, file.level, file.txids);
    if (before != nullptr &&
        (file.txids.first > before->txids.last.next() || file.txids.last <= before->txids.last)) {
      return fail(Code::Corrupt, "gap: {} does not continue TXID {}", key, before->txids.last);
    }
    const auto header = TRY(apply_file(store, key, file, applied.pages, sums).context(key));
    if (before != nullptr && header.page_size != applied.page_size) {
      return fail(Code::Corrupt, "{}: pages of {} bytes, but {} in earlier files", key,
                  header.page_size, applied.page_size);
    }
    applied = {header.commit, header.page_size, header.node};
    before = &file;
  }
  return applied;
}

Result<ltx::Header> read_header(storage::ObjectStore& store, const std::string& key) {
  ByteVector bytes;
  TRY(fetch_range(store, key, {0, ltx::kHeaderBytes}, bytes));
  return ltx::parse_header(bytes).context(key);
}

}  // namespace walwrap::replication
