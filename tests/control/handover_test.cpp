#include "walwrap/control/handover.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap::control {
namespace {

TEST_CASE("a command is shown as a shell takes it, and cut for people") {
  CHECK(describe_command({"./app", "--port=80", "a b", "it's", ""}).text ==
        "./app --port=80 'a b' 'it'\\''s' ''");
  const auto longer = describe_command({"java", std::string(3'000, 'x')});
  CHECK(longer.text.size() < 250);
  CHECK(longer.text.ends_with(" ..."));
}

TEST_CASE("only equal commands have one id") {
  const auto id = describe_command({"./app", "a", "b"}).id;
  CHECK(id == describe_command({"./app", "a", "b"}).id);
  for (const auto& other : {std::vector<std::string>{"./app", "a b"},
                            {"./app", "ab"},
                            {"./app", "a", "b", ""},
                            {"./app", "b", "a"},
                            {}}) {
    CHECK(describe_command(other).id != id);
  }
  // The part that is not shown counts, too.
  CHECK(describe_command({std::string(3'000, 'x') + "1"}).id !=
        describe_command({std::string(3'000, 'x') + "2"}).id);
}

TEST_CASE("the same command takes over, and another one only with --take-over") {
  const Owner owner{describe_command({"./app"}), "web-1", WallTime{}};
  const Newcomer deploy{describe_command({"./app"}), false};
  const Newcomer one_off{describe_command({"./manage.py", "migrate"}), false};
  const Newcomer forced{one_off.command, true};
  CHECK_FALSE(refuse_handover(owner, deploy));
  CHECK_FALSE(refuse_handover(owner, forced));
  const auto refused = refuse_handover(owner, one_off);
  REQUIRE(refused);
  for (const char* part : {"web-1", "`./app`", "since 1970-01-01T00:00:00",
                           "walwrap run-beside -- ./manage.py migrate",
                           "walwrap --take-over -- ./manage.py migrate"}) {
    CHECK_MESSAGE(refused->find(part) != std::string::npos, *refused);
  }
}

}  // namespace
}  // namespace walwrap::control
