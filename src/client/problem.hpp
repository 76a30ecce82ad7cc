// What an answer that is not 200 stands for.
//
// Pure. Source: RFC 9457, and the table of types in docs/api.md.
#pragma once

#include <string_view>

#include "walwrap/client/text.hpp"

namespace walwrap::client {

// Longer than any that walwrap writes; the rest is left out.
inline constexpr std::size_t kMostSentenceBytes = 4UL << 10;

// A code of walwrap.h. Appends "title: detail", or what is wrong with the answer, to `sentence`.
int judge_problem(int status, std::string_view body, Text& sentence);

// Without control characters: a sentence is one line.
void append_line(Text& out, std::string_view text);

}  // namespace walwrap::client
