// Whatever a log holds, the scanner ends, keeps its bounds, and finds what the oracle finds.
#include <algorithm>
#include <cstdlib>

#include "tests/support/naive_wal.hpp"
#include "walwrap/wal/scanner.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto log = std::as_bytes(std::span(data, size));
  auto scanner = walwrap::wal::Scanner::start(log, std::nullopt);
  if (!scanner || !*scanner) return 0;
  std::size_t frames = 0;
  for (std::size_t at = 32; at < size; at += 777) {
    const auto piece = log.subspan(at, std::min<std::size_t>(777, size - at));
    for (const auto& transaction : (*scanner)->feed(piece)) frames += transaction.pages.size();
  }
  const auto expected = walwrap::testing::replay_naively(log).committed_frames;
  if (frames != expected || (*scanner)->position().frame != expected) std::abort();
  return 0;
}
