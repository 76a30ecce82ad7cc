// A VFS over "unix" that reads a file nobody else knows of in large pieces.
//
// A check of a whole database reads its pages one by one, mostly in their order in the file or, as
// SQLite's own checks do, against it, and each read is a system call. Here a read near the last one
// fetches what lies beyond it in the same direction too.
// Only for connections that open a file as immutable: what was read ahead is never read again.
#pragma once

namespace walwrap::sqlite {

// Registers the VFS (once per process) and returns its name for sqlite3_open_v2.
const char* register_read_ahead();

}  // namespace walwrap::sqlite
