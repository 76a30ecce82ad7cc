// Reads the answers of the API: the members of one JSON object.
//
// Pure. Source: RFC 8259. The whole text is checked; nested values are not kept.
#pragma once

#include <span>
#include <string_view>

#include "walwrap/client/text.hpp"

namespace walwrap::client {

// A requested member of the outermost object. The last of several members with one name counts.
struct Member {
  std::string_view name;
  Text* text = nullptr;  // set to the value if it is a string, else left as it is
  bool is_text = false;
  bool is_true = false;
};

// false: it is not exactly one JSON object, or is nested too deeply.
bool read_object(std::string_view json, std::span<Member> wanted);

}  // namespace walwrap::client
