#include "walwrap/client/problem.hpp"

#include <algorithm>
#include <array>

#include "walwrap.h"
#include "walwrap/client/json.hpp"

namespace walwrap::client {
namespace {

constexpr std::string_view kTypePrefix = "/problems/";
constexpr std::size_t kMostTypeBytes = 64;

struct Row {
  std::string_view slug;
  int code;
};
constexpr std::array kProblems = {
    Row{"bad-parameter", WALWRAP_MISUSE},
    Row{"which-database", WALWRAP_WHICH_DATABASE},
    Row{"unauthorized", WALWRAP_DENIED},
    Row{"forbidden", WALWRAP_DENIED},
    Row{"not-found", WALWRAP_MISUSE},
    Row{"method-not-allowed", WALWRAP_MISUSE},
    Row{"position-unknown", WALWRAP_POSITION_UNKNOWN},
    Row{"body-not-wanted", WALWRAP_MISUSE},
    Row{"not-replicating", WALWRAP_NOT_REPLICATING},
    Row{"not-stored", WALWRAP_NOT_REPLICATING},
    Row{"not-listed", WALWRAP_NOT_REPLICATING},
    Row{"stopping", WALWRAP_STOPPING},
    Row{"unhealthy", WALWRAP_NOT_REPLICATING},
    Row{"no-database", WALWRAP_NOT_STORED},
    Row{"timed-out", WALWRAP_NOT_STORED},
};

int code_of(std::string_view type) {
  if (!type.starts_with(kTypePrefix)) return WALWRAP_PROTOCOL;
  type.remove_prefix(kTypePrefix.size());
  const auto* const row = std::find_if(kProblems.begin(), kProblems.end(),
                                       [&](const Row& each) { return each.slug == type; });
  return row == kProblems.end() ? WALWRAP_PROTOCOL : row->code;
}

}  // namespace

void append_line(Text& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.append(byte < 0x20 || byte == 0x7f ? ' ' : c);
  }
}

int judge_problem(int status, std::string_view body, Text& sentence) {
  Text type(kMostTypeBytes);
  Text title(kMostSentenceBytes / 4);
  Text detail(kMostSentenceBytes / 2);
  std::array members = {Member{.name = "type", .text = &type},
                        Member{.name = "title", .text = &title},
                        Member{.name = "detail", .text = &detail}};
  if (!read_object(body, members) || !members[0].is_text || !type.is_whole()) {
    sentence.append("walwrap answers with the status ");
    sentence.append_decimal(status);
    sentence.append(" and no reason");
    return WALWRAP_PROTOCOL;
  }
  append_line(sentence, title.view());
  sentence.append(": ");
  append_line(sentence, detail.view());
  return code_of(type.view());
}

}  // namespace walwrap::client
