#include "walwrap/sqlite/read_ahead.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

#include "walwrap/sqlite/unix_vfs.hpp"

namespace walwrap::sqlite {
namespace {

constexpr const char* kReadAheadName = "walwrap-read-ahead";
// Large enough for few calls, and small enough for a core's cache.
constexpr sqlite3_int64 kWindowBytes = 256 << 10;

struct Window : WrappedFile {
  int wrap(sqlite3_file* file);
  sqlite3_int64 file_size = 0;
  sqlite3_int64 begin = 0;       // in the file
  std::vector<std::byte> bytes;  // empty: the last read was of `begin`
  sqlite3_int64 end() const { return begin + static_cast<sqlite3_int64>(bytes.size()); }
};

// The start of a window with this read and the next ones. nullopt: the next ones are unknown.
std::optional<sqlite3_int64> window_begin(const Window& window, int amount, sqlite3_int64 offset) {
  if (offset >= window.begin && offset <= window.end() + kWindowBytes) return offset;
  const bool goes_back = offset < window.begin && offset + kWindowBytes >= window.begin;
  if (!goes_back) return std::nullopt;
  return std::max<sqlite3_int64>(0, offset + amount - kWindowBytes);
}

int read_through_window(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  Window& window = *wrapped<Window>(file);
  if (offset < window.begin || offset + amount > window.end()) {
    const auto begin = window_begin(window, amount, offset);
    const auto end = begin ? std::min(*begin + kWindowBytes, window.file_size) : 0;
    if (end < offset + amount) {
      window.begin = offset;
      window.bytes.clear();
      return window.base->xRead(file, out, amount, offset);
    }
    window.begin = *begin;
    window.bytes.resize(static_cast<std::size_t>(end - *begin));
    const int code = window.base->xRead(file, window.bytes.data(),
                                        static_cast<int>(window.bytes.size()), window.begin);
    if (code != SQLITE_OK) {
      window.bytes.clear();
      return code;
    }
  }
  std::memcpy(out, window.bytes.data() + (offset - window.begin), static_cast<std::size_t>(amount));
  return SQLITE_OK;
}

int close_window(sqlite3_file* file) {
  Window* window = wrapped<Window>(file);
  const auto* base = window->base;
  window->~Window();
  return base->xClose(file);
}

int Window::wrap(sqlite3_file* file) {
  methods.iVersion = 1;  // no shared memory, no mapping
  methods.xRead = read_through_window;
  methods.xClose = close_window;
  return base->xFileSize(file, &file_size);
}

}  // namespace

const char* register_read_ahead() {
  register_wrapped<Window>(kReadAheadName);
  return kReadAheadName;
}

}  // namespace walwrap::sqlite
