#include "walwrap/wal/scanner.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::wal {

Result<std::optional<Scanner>> Scanner::start(ByteSpan header, std::optional<Position> resume) {
  const auto parsed = TRY(parse_header(header));
  if (!parsed) return std::optional<Scanner>();
  if (resume && resume->salts != parsed->salts) {
    return fail(Code::Mismatch, "the WAL was restarted since frame {}", resume->frame);
  }
  Scanner scanner(*parsed);
  if (resume && resume->frame > 0) {
    scanner.committed_ = *resume;
    scanner.frame_ = resume->frame;
    scanner.checksum_ = resume->checksum;
  }
  return std::optional<Scanner>(std::move(scanner));
}

Scanner::Scanner(const Header& header)
    : header_(header), committed_{header.salts, 0, header.checksum}, checksum_(header.checksum) {}

Bytes Scanner::next_offset() const {
  return kHeaderBytes + frame_ * frame_bytes(header_.page_size) + partial_.size();
}

std::vector<Transaction> Scanner::feed(ByteSpan bytes) {
  std::vector<Transaction> complete;
  const auto whole = static_cast<std::size_t>(frame_bytes(header_.page_size));
  if (!partial_.empty() && !ended_) {
    const auto missing = bytes.first(std::min(whole - partial_.size(), bytes.size()));
    partial_.insert(partial_.end(), missing.begin(), missing.end());
    bytes = bytes.subspan(missing.size());
    if (partial_.size() < whole) return complete;
    take_frame(partial_, complete);
    partial_.clear();
  }
  // Whole frames are taken where they lie; only what is cut off at the end is copied.
  for (; bytes.size() >= whole && !ended_; bytes = bytes.subspan(whole)) {
    take_frame(bytes.first(whole), complete);
  }
  if (!ended_) partial_.assign(bytes.begin(), bytes.end());
  return complete;
}

void Scanner::take_frame(ByteSpan frame, std::vector<Transaction>& complete) {
  const FrameHeader header = parse_frame_header(frame);
  const auto running_sum = [&] {
    const Checksum head = checksum(header_.order, checksum_, frame.first(8));
    return checksum(header_.order, head, frame.subspan(kFrameHeaderBytes));
  };
  if (header.salts != header_.salts || header.pgno == Pgno{0} || header.checksum != running_sum()) {
    ended_ = true;  // Law 6
    return;
  }
  ++frame_;
  checksum_ = header.checksum;
  if (open_.pages.empty()) open_.first_frame = frame_;
  open_.pages.push_back(header.pgno);
  if (header.commit == 0) return;
  open_.commit = header.commit;
  complete.push_back(std::exchange(open_, {}));
  committed_ = {header_.salts, frame_, checksum_};
}

}  // namespace walwrap::wal
