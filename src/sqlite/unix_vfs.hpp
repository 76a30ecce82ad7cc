// A VFS that is SQLite's "unix" with some changes for a main database file.
//
// Its data for such a file is behind unix's own part of the sqlite3_file: a `File`, derived from
// WrappedFile. The file's method table is a copy of unix's in which File::wrap() replaces entries.
// So the unchanged methods cost nothing extra.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <new>

#include "walwrap/base/check.hpp"

namespace walwrap::sqlite {

struct WrappedFile {
  const sqlite3_io_methods* base = nullptr;  // unix's
  sqlite3_io_methods methods{};
};

inline sqlite3_vfs* unix_vfs() {
  return sqlite3_vfs_find("unix");
}

// Of a main database file that was opened by open_wrapped<File>.
template <typename File>
File* wrapped(sqlite3_file* file) {
  const auto offset = static_cast<std::size_t>(unix_vfs()->szOsFile);
  return reinterpret_cast<File*>(reinterpret_cast<std::byte*>(file) + offset);
}

template <typename File>
int open_wrapped(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags,
                 int* out_flags) {
  sqlite3_vfs* base = unix_vfs();
  const int code = base->xOpen(base, name, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0 || file->pMethods == nullptr) {
    return code;
  }
  auto* added = new (wrapped<File>(file)) File;
  added->base = file->pMethods;
  added->methods = *file->pMethods;
  file->pMethods = &added->methods;
  return added->wrap(file);  // `int wrap(sqlite3_file*)`: an SQLite code
}

// Registers it under `name`, once per process and `File`.
template <typename File>
void register_wrapped(const char* name) {
  static sqlite3_vfs vfs = [name] {  // SQLite links it into its list
    sqlite3_vfs copy = *unix_vfs();
    copy.zName = name;
    copy.szOsFile += static_cast<int>(sizeof(File));
    copy.xOpen = open_wrapped<File>;
    copy.pNext = nullptr;
    return copy;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  WW_CHECK(registered == SQLITE_OK);
}

}  // namespace walwrap::sqlite
