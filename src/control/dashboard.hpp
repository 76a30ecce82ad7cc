// Status -> the page that a person opens in a browser. Pure.
//
// One document without a script or anything from elsewhere: the policy it is sent with forbids
// both, and allows the one style sheet in it by its nonce. It reloads itself every ten seconds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "walwrap/control/history.hpp"
#include "walwrap/control/protocol.hpp"
#include "walwrap/control/status.hpp"

namespace walwrap::control {

struct PageInput {
  const Status& status;
  std::vector<const History*> histories;  // one of each database
  WallTime now{};
  MonoTime now_mono{};
  RandomId nonce{};  // another one each time
};
Answer answer_page(const PageInput& input);

// The state in words for readers who do not know walwrap.
std::string sentence_of(const DatabaseStatus& database, WallTime now);

std::string escape_html(std::string_view text);
std::string quote_for_shell(const std::string& word);

}  // namespace walwrap::control
