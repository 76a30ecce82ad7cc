#include "walwrap/os/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

// A mapping takes some 700 bytes of text, and a walwrap process has 200 of them.
constexpr Bytes kSmapsLimit = 4ULL << 20;

// "7f1c3a000000-7f1c3a021000 r--p 00000000 fe:00 1234  /usr/lib/libz.so.1"; nullopt: no such line.
struct Head {
  Mapping mapping;
  bool is_writable = false;
  bool has_file = false;
};

std::optional<std::uintptr_t> take_hex(std::string_view& text, char end) {
  std::uintptr_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  const auto length = static_cast<std::size_t>(stop - text.data());
  if (error != std::errc{} || length >= text.size() || text[length] != end) return std::nullopt;
  text.remove_prefix(length + 1);
  return value;
}

std::optional<Head> parse_head(std::string_view line) {
  const auto first = take_hex(line, '-');
  if (!first) return std::nullopt;
  const auto behind = take_hex(line, ' ');
  if (!behind || *behind <= *first || line.size() < 4) return std::nullopt;
  return Head{.mapping = {.address = *first, .size = *behind - *first},
              .is_writable = line[1] == 'w',
              .has_file = line.find(" /") != std::string_view::npos};
}

// "Anonymous:             12 kB"
bool says_none(std::string_view line) {
  return line.find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

std::vector<Mapping> untouched_files(std::string_view smaps) {
  std::vector<Mapping> found;
  std::optional<Head> head;
  while (!smaps.empty()) {
    const auto end = std::min(smaps.find('\n'), smaps.size());
    const auto line = smaps.substr(0, end);
    smaps.remove_prefix(std::min(end + 1, smaps.size()));
    if (const auto next = parse_head(line)) {
      head = next;
    } else if (head && line.starts_with("Anonymous:")) {
      if (head->has_file && !head->is_writable && says_none(line)) found.push_back(head->mapping);
    } else if (head && line.starts_with("Swap:") && !says_none(line)) {
      std::erase(found, head->mapping);
    }
  }
  return found;
}

void give_back_untouched_files() {
  const auto smaps = read_file("/proc/self/smaps", kSmapsLimit);
  if (!smaps) return;
  for (const Mapping& mapping : untouched_files(as_text(*smaps))) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel told us the address as text
    ::madvise(reinterpret_cast<void*>(mapping.address), mapping.size, MADV_DONTNEED);
  }
}

void give_back_freed() {
  ::malloc_trim(0);
}

}  // namespace walwrap::os
