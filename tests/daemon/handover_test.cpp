#include "walwrap/daemon/handover.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>

#include "tests/support/api_rig.hpp"

namespace walwrap::daemon {
namespace {

using control::describe_command;
using replication::OwnerAnswer;
using testing::ApiRig;

TEST_CASE("an owner is asked over its socket, and answers by its command") {
  std::atomic<int> begun{0};
  const ApiRig rig([&](control::ServerOptions& options) {
    options.handler.access.operator_user = ::geteuid();
    options.handler.self.command = describe_command({"./app", "serve"});
    options.handler.hand_over = [&](const std::string& to) { begun += to == "./app serve"; };
  });
  CHECK(ask_owner(rig.path, {describe_command({"./app", "serve"}), false}).value() ==
        OwnerAnswer::HandsOver);
  CHECK(begun == 1);
  CHECK(ask_owner(rig.path, {.command = describe_command({"./app", "serve"}), .asks_only = true})
            .value() == OwnerAnswer::HandsOver);
  CHECK(begun == 1);  // it only asked
  const auto refused = ask_owner(rig.path, {describe_command({"./app", "a&b=c d"}), false});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Mismatch);
  CHECK(refused.error().text.find("walwrap run-beside -- ./app 'a&b=c d'") != std::string::npos);
  CHECK(begun == 1);
  CHECK(ask_owner(rig.path, {describe_command({"ls"}), true}).value() == OwnerAnswer::HandsOver);
  CHECK(is_answering(rig.path));
}

TEST_CASE("a user who is not walwrap's is refused") {
  const ApiRig rig([](control::ServerOptions& options) {
    options.handler.self.command = describe_command({"./app"});
    options.handler.access.operator_user = ::geteuid() + 1;
  });
  const auto asked = ask_owner(rig.path, {describe_command({"./app"}), true});
  if (::geteuid() == 0) {
    CHECK(asked.has_value());  // root may
  } else {
    CHECK(asked.error().code == Code::Mismatch);
  }
}

TEST_CASE("nobody at the socket is an owner that starts or stops") {
  const testing::TempDir dir;
  CHECK(ask_owner(dir / "none.sock", {}).value() == OwnerAnswer::NotThere);
  CHECK_FALSE(is_answering(dir / "none.sock"));
}

TEST_CASE("an owner that is paused is an error within about a second") {
  const testing::TempDir dir;
  const auto silent = os::ListenSocket::open_unix(dir / "api.sock", std::nullopt).value();
  const auto began = std::chrono::steady_clock::now();
  const auto asked = ask_owner(dir / "api.sock", {});
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().code == Code::Mismatch);
  CHECK(asked.error().text.find("paused") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::daemon
