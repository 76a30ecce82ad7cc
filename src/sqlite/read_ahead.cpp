#include "walwrap/sqlite/read_ahead.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include "walwrap/base/check.hpp"

namespace walwrap::sqlite {
namespace {

constexpr const char* kReadAheadName = "walwrap-read-ahead";
// Large enough that calls cost little, small enough to stay in a core's cache.
constexpr sqlite3_int64 kWindowBytes = 256 << 10;

// Lies behind the unix VFS's own part of each sqlite3_file.
struct Window {
  const sqlite3_io_methods* base = nullptr;
  sqlite3_io_methods methods{};
  sqlite3_int64 file_size = 0;
  sqlite3_int64 begin = 0;       // in the file
  std::vector<std::byte> bytes;  // empty: the last read was of `begin`
  sqlite3_int64 end() const { return begin + static_cast<sqlite3_int64>(bytes.size()); }
};

sqlite3_vfs* base_vfs() {
  return sqlite3_vfs_find("unix");
}

Window* window_of(sqlite3_file* file) {
  const auto offset = static_cast<std::size_t>(base_vfs()->szOsFile);
  return reinterpret_cast<Window*>(reinterpret_cast<std::byte*>(file) + offset);
}

// Where a window begins that holds the read and what comes next; nullopt: nobody knows what does.
std::optional<sqlite3_int64> window_begin(const Window& window, int amount, sqlite3_int64 offset) {
  if (offset >= window.begin && offset <= window.end() + kWindowBytes) return offset;
  const bool goes_back = offset < window.begin && offset + kWindowBytes >= window.begin;
  if (!goes_back) return std::nullopt;
  return std::max<sqlite3_int64>(0, offset + amount - kWindowBytes);
}

int read_through_window(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  Window& window = *window_of(file);
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
  Window* window = window_of(file);
  const auto* base = window->base;
  window->~Window();
  return base->xClose(file);
}

int open_window(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags,
                int* out_flags) {
  sqlite3_vfs* base = base_vfs();
  const int code = base->xOpen(base, name, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0 || file->pMethods == nullptr) {
    return code;
  }
  auto* window = new (window_of(file)) Window;
  window->base = file->pMethods;
  window->methods = *file->pMethods;
  window->methods.iVersion = 1;  // no shared memory, no mapping
  window->methods.xRead = read_through_window;
  window->methods.xClose = close_window;
  file->pMethods = &window->methods;
  return window->base->xFileSize(file, &window->file_size);
}

}  // namespace

const char* register_read_ahead() {
  static sqlite3_vfs vfs = [] {  // SQLite links it into its list and keeps it
    sqlite3_vfs copy = *base_vfs();
    copy.zName = kReadAheadName;
    copy.szOsFile += static_cast<int>(sizeof(Window));
    copy.xOpen = open_window;
    copy.pNext = nullptr;
    return copy;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  WW_CHECK(registered == SQLITE_OK);
  return kReadAheadName;
}

}  // namespace walwrap::sqlite
