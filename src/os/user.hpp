// The user of a process: "name", "name:group", "1000", "1000:1000".
//
// Read from /etc/passwd and /etc/group alone (passwd(5), group(5)), as containers have them; no
// name service is asked. Without a group: the user's own and every group that lists the user. With
// one: that group and no other.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"

namespace walwrap::os {

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary, ascending; gid among them
  bool operator==(const User&) const = default;
};

// Pure: the text of the two files. Errors: Invalid, saying what to write instead.
Result<User> parse_user(std::string_view text, std::string_view passwd, std::string_view group);
// From this machine's files; a missing one counts as empty.
Result<User> find_user(std::string_view text);

}  // namespace walwrap::os
