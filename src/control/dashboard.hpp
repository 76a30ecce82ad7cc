// Status -> the dashboard that a person opens in a browser. Pure.
//
// One document without scripts and without resources from elsewhere: its policy forbids both, and
// allows its one style sheet by a nonce. It reloads every ten seconds.
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
  std::vector<const History*> histories;  // one for each database
  WallTime now{};
  MonoTime now_mono{};
  RandomId nonce{};  // a new one for each answer
};
Answer answer_page(const PageInput& input);

// The state in words for readers who do not know walwrap.
std::string sentence_of(const DatabaseStatus& database, WallTime now);

std::string escape_html(std::string_view text);

}  // namespace walwrap::control
