// The oracle for everything that reads a write-ahead log: slow, obvious, and written without any
// of the code under test. It replays frames into a map.
//
// Source: sqlite.org/fileformat2.html, "The Write-Ahead Log".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace walwrap::testing {

struct NaiveWal {
  std::map<std::uint32_t, std::vector<std::byte>> pages;  // newest committed image, within commit
  std::uint32_t commit = 0;                               // database size in pages; 0: no commit
  std::uint32_t committed_frames = 0;
};

class NaiveWalReader {
 public:
  explicit NaiveWalReader(std::span<const std::byte> log) : log_(log) {}

  NaiveWal replay() {
    NaiveWal result;
    if (log_.size() < 32 || (number(0) | 1) != 0x377f0683) return result;
    add_words(0, 24);
    if (s0_ != number(24) || s1_ != number(28)) return result;
    const std::size_t page_size = number(8);
    std::map<std::uint32_t, std::vector<std::byte>> open;
    std::uint32_t frame = 0;
    for (std::size_t at = 32; at + 24 + page_size <= log_.size(); at += 24 + page_size) {
      const std::uint32_t page = number(at);
      if (page == 0 || number(at + 8) != number(16) || number(at + 12) != number(20)) break;
      add_words(at, 8);
      add_words(at + 24, page_size);
      if (s0_ != number(at + 16) || s1_ != number(at + 20)) break;
      ++frame;
      const auto image = log_.subspan(at + 24, page_size);
      open[page].assign(image.begin(), image.end());
      const std::uint32_t commit = number(at + 4);
      if (commit == 0) continue;
      for (auto& [pgno, bytes] : open) result.pages[pgno] = bytes;
      open.clear();
      result.pages.erase(result.pages.upper_bound(commit), result.pages.end());
      result.commit = commit;
      result.committed_frames = frame;
    }
    return result;
  }

 private:
  std::uint32_t byte(std::size_t at) const { return std::to_integer<std::uint32_t>(log_[at]); }
  std::uint32_t number(std::size_t at) const {
    return byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
  }
  std::uint32_t word(std::size_t at) const {
    if (number(0) == 0x377f0683) return number(at);
    return byte(at + 3) << 24 | byte(at + 2) << 16 | byte(at + 1) << 8 | byte(at);
  }
  void add_words(std::size_t at, std::size_t length) {
    for (std::size_t i = at; i < at + length; i += 8) {
      s0_ += word(i) + s1_;
      s1_ += word(i + 4) + s0_;
    }
  }

  std::span<const std::byte> log_;
  std::uint32_t s0_ = 0;
  std::uint32_t s1_ = 0;
};

inline NaiveWal replay_naively(std::span<const std::byte> log) {
  return NaiveWalReader(log).replay();
}

}  // namespace walwrap::testing
