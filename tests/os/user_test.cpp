#include "walwrap/os/user.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace walwrap::os {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "broken\n"
    "app:x:1000:1001:,,,:/srv/app:/bin/sh\n"
    "1000:x:77:78::/:/bin/false\n"
    "huge:x:4294967295:1:::\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin";
constexpr std::string_view kGroup =
    "root:x:0:\n"
    "tty:x:5:other,app\n"
    "apple:x:6:apple\n"
    "app:x:1001:\n"
    "data:x:900:app,nobody\n";

TEST_CASE("a user is found by name or number, with the groups that list it or one group") {
  struct Row {
    std::string_view text;
    std::string_view result;
  };
  for (const Row& row : {
           Row{"app", "1000:1001 [5, 900, 1001]"},
           Row{"root", "0:0 [0]"},
           Row{"nobody", "65534:65534 [900, 65534]"},
           Row{"1000", "77:78 [78]"},  // a name of digits is a name
           Row{"65534", "65534:65534 [900, 65534]"},
           Row{"app:data", "1000:900 [900]"},
           Row{"app:6", "1000:6 [6]"},
           Row{"4321:1234", "4321:1234 [1234]"},
           Row{"4321", "user 4321 is not in /etc/passwd; write 4321:GID"},
           Row{"missing", "user \"missing\" is not in /etc/passwd; write UID:GID"},
           Row{"huge", "user \"huge\" is not in /etc/passwd; write UID:GID"},
           Row{"broken", "user \"broken\" is not in /etc/passwd; write UID:GID"},
           Row{"", "user \"\" is not in /etc/passwd; write UID:GID"},
           Row{"-1:0", "user \"-1\" is not in /etc/passwd; write UID:GID"},
           Row{"4294967295:0", "user \"4294967295\" is not in /etc/passwd; write UID:GID"},
           Row{"app:missing", "group \"missing\" is not in /etc/group; write UID:GID"},
           Row{"app:", "group \"\" is not in /etc/group; write UID:GID"},
       }) {
    CAPTURE(row.text);
    const auto user = parse_user(row.text, kPasswd, kGroup);
    const auto shown =
        user ? fmt::format("{}:{} {}", user->uid, user->gid, user->groups) : user.error().text;
    CHECK(shown == row.result);
  }
}

TEST_CASE("without user files only numbers are accepted") {
  CHECK(parse_user("7:8", "", "").value() == User{7, 8, {8}});
  CHECK(!parse_user("root", "", "").has_value());
}

TEST_CASE("this machine's root is user 0") {
  CHECK(find_user("root").value().uid == 0);
}

}  // namespace
}  // namespace walwrap::os
