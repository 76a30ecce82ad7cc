#include "walwrap/os/privileges.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

using testing::in_child;

std::string held() {
  std::string text;
  for (const auto capability : {Capability::Chown, Capability::DacOverride, Capability::Fowner,
                                Capability::Kill, Capability::SetGid, Capability::SetUid}) {
    text += has_capability(capability) ? '1' : '0';
  }
  return text;
}

TEST_CASE("dropped capabilities cannot be regained, and none are added") {
  const auto text = in_child([] {
    const auto before = held();
    const auto kept = keep_capabilities({Capability::Kill, Capability::Chown});
    const auto after = held();
    const auto again = keep_capabilities({Capability::SetUid, Capability::Kill});
    return fmt::format("{} {} {} {}", before, kept && again ? "ok" : "failed", after, held());
  });
  CHECK(text == (::geteuid() == 0 ? "111111 ok 100100 000100" : "000000 ok 000000 000000"));
}

TEST_CASE("root without its capabilities is an ordinary user") {
  if (::geteuid() != 0) return;
  const testing::TempDir dir;
  const Path path = dir / "theirs";
  REQUIRE(File::open(path, File::Open::CreateNew).has_value());
  REQUIRE(::chown(path.c_str(), 12'345, 12'345) == 0);
  const auto text = in_child([&]() -> std::string {
    if (!keep_capabilities({})) return "cannot give them up";
    return File::open(path, File::Open::ReadWrite).has_value() ? "opened" : "refused";
  });
  CHECK(text == "refused");
}

TEST_CASE("after no_new_privs no program gains privileges") {
  const auto text = in_child([] {
    const auto before = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    forbid_new_privileges();
    return fmt::format("{} {}", before, ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  });
  CHECK(text.substr(text.size() - 1) == "1");
}

}  // namespace
}  // namespace walwrap::os
