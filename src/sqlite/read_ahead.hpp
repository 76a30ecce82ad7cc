// A VFS over "unix" that reads a private file in large pieces.
//
// A check of a whole database reads its pages one by one, mostly in the order of the file or, as
// SQLite's own checks do, in the reverse order, and each read is a system call. Here a read near
// the previous one also fetches the data beyond it in the same direction. Only for connections that
// open a file as immutable: data that was read ahead is never read again.
#pragma once

namespace walwrap::sqlite {

// Registers the VFS (once per process) and returns its name for sqlite3_open_v2.
const char* register_read_ahead();

}  // namespace walwrap::sqlite
