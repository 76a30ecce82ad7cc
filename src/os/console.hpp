// Standard output and error, for people and log collectors.
//
// Stateless; may be used from any thread.
#pragma once

#include <string_view>

#include "walwrap/os/fd.hpp"

namespace walwrap::os {

// One write(2) for what fits in a pipe's atomic write, so lines of several processes do not mix.
// Never blocks for long on a reader that does not read: a log collector that hangs must not stop
// init. False: a part was dropped.
bool write_stderr(std::string_view text);
// All of it, waiting for the reader. False: the reader has closed it.
bool write_stdout(std::string_view text);
bool is_stderr_a_terminal();
bool is_stdout_a_terminal();
// One newline, without waiting. False: it has no reader.
bool write_line_end(const Fd& descriptor);

}  // namespace walwrap::os
