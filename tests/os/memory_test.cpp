#include "walwrap/os/memory.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

std::string mapping(std::string_view head, int anonymous_kib, int swap_kib) {
  return fmt::format(
      "{}\nSize: 4 kB\nRss: 4 kB\nAnonymous:      {} kB\nSwap:           {} kB\n"
      "VmFlags: rd mr mw me\n",
      head, anonymous_kib, swap_kib);
}

TEST_CASE("only pages that still equal their file may be released") {
  const std::string file = "r-xp 00000000 fe:00 77  /usr/lib/libz.so.1";
  const auto found = [](const std::string& text) { return untouched_files(text); };
  const std::vector<Mapping> one = {{.address = 0x1000, .size = 0x2000}};
  CHECK(found(mapping("1000-3000 " + file, 0, 0)) == one);
  CHECK(found(mapping("1000-3000 r--s 00000000 fe:00 77  /usr/lib/a", 0, 0)) == one);
  // Relocated by the linker, then made read-only; or so, and swapped out.
  CHECK(found(mapping("1000-3000 " + file, 8, 0)).empty());
  CHECK(found(mapping("1000-3000 " + file, 0, 4)).empty());
  CHECK(found(mapping("1000-3000 rw-p 00000000 fe:00 77  /usr/lib/libz.so.1", 0, 0)).empty());
  CHECK(found(mapping("1000-3000 r--p 00000000 00:00 0  [vvar]", 0, 0)).empty());
  CHECK(found(mapping("1000-3000 r--p 00000000 00:00 0", 0, 0)).empty());
  CHECK(found("").empty());
  CHECK(found("no table at all\nAnonymous: 0 kB\n").empty());
  CHECK(found(mapping("3000-1000 " + file, 0, 0)).empty());
  const auto two = mapping("5000-6000 " + file, 4, 0) + mapping("1000-3000 " + file, 0, 0);
  CHECK(found(two) == one);
}

int resident_kib(const std::string& path) {
  const auto smaps = read_file("/proc/self/smaps", 4ULL << 20).value();
  const std::string_view text = as_text(smaps);
  const auto rss = text.find("Rss:", text.find(path));
  REQUIRE(rss != std::string_view::npos);
  return std::stoi(std::string(text.substr(rss + 4, 24)));
}

TEST_CASE("a process reads the same bytes after its unchanged file pages were released") {
  const testing::TempDir dir;
  const std::string content(64 << 10, 'x');
  auto file = File::open(dir / "file", File::Open::CreateNew).value();
  file.write_at(as_bytes(content), 0).value();
  void* const mapped =
      ::mmap(nullptr, content.size(), PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  REQUIRE(mapped != MAP_FAILED);
  const std::string_view seen(static_cast<const char*>(mapped), content.size());
  CHECK(seen == content);
  CHECK(resident_kib(dir / "file") == 64);
  give_back_untouched_files();
  CHECK(resident_kib(dir / "file") == 0);
  CHECK(seen == content);
  ::munmap(mapped, content.size());
}

#ifndef WALWRAP_SANITIZED
// In KiB, of this process.
std::uint64_t resident() {
  const auto status = read_file("/proc/self/status", 65'536).value();
  const auto text = std::string(as_text(status));
  return std::stoull(text.substr(text.find("VmRSS:") + 6));
}

TEST_CASE("memory of many clients is released after they disconnect") {
  std::vector<std::unique_ptr<std::string>> blocks;
  for (int i = 0; i < 20'000; ++i) blocks.push_back(std::make_unique<std::string>(3'000, 'x'));
  // The last one keeps the heap from shrinking by itself.
  const auto last = std::move(blocks.back());
  const auto full = resident();
  blocks.clear();
  give_back_freed();
  CHECK(resident() + 40'000 < full);
  CHECK(last->size() == 3'000);
}
#endif

}  // namespace
}  // namespace walwrap::os
