#include "walwrap/replication/upload/snapshot_file.hpp"

#include "walwrap/base/progress.hpp"
#include "walwrap/ltx/verifier.hpp"
#include "walwrap/replication/replica/state.hpp"

namespace walwrap::replication {
namespace {

// Sums kept in memory while a batch is uploaded: 8 MiB. The sums of a larger batch are read back
// from the store.
constexpr std::size_t kMostSums = 1U << 20;

}  // namespace

Result<Encoded> SnapshotFile::encode(const SnapshotPages& from, const WriteFn& sink) const {
  Encoded encoded;
  encoded.has_sums = from.pages.size() <= kMostSums;
  ltx::Verifier verifier(from.header, from.pages);
  const WriteFn verified = [&](ByteSpan bytes) -> Result<void> {
    TRY(verifier.feed(bytes).context("check what was encoded"));
    return sink(bytes);
  };
  auto encoder = TRY(deps_.start_encoder(from.header, verified));
  const Bytes page_bytes = from.header.page_size.value;
  ByteVector page(page_bytes);
  // Never a progress bar: the terminal belongs to the app.
  walwrap::Progress shown(walwrap::Progress::Style::Lines, "storing", clock_.mono());
  Bytes done = 0;
  Pgno after{0};
  for (auto batch = from.pages.next(after, 1024); !batch.empty();
       batch = from.pages.next(after, 1024)) {
    for (const Pgno pgno : batch) {
      TRY(from.read(pgno, page));
      if (encoded.has_sums) encoded.sums.push_back(page_sum(page));
      TRY(encoder.add_page(pgno, page));
    }
    after = batch.back();
    done += batch.size() * page_bytes;
    if (from.total() > kSmall) deps_.on_streamed(done);
    if (shown.on_progress(done, from.total(), clock_.mono())) {
      log_.info("storing", {{"bytes", done}, {"of_bytes", from.total()}});
    }
  }
  const auto finished = TRY(encoder.finish());
  TRY(verifier.finish().context("check what was encoded"));
  encoded.file_checksum = finished.file_checksum;
  encoded.size = finished.size;
  return encoded;
}

}  // namespace walwrap::replication
