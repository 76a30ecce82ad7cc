#include "walwrap/replication/startup/before_handover.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_store.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::World;

// A database that a walwrap has stored, and a start that finds it locked.
struct SecondStart {
  World world;
  std::vector<AskFor> asked;
  Result<OwnerAnswer> consent = OwnerAnswer::HandsOver;
  std::string place = "replica";
  bool is_down = false;

  SecondStart() { REQUIRE(world.live("CREATE TABLE t(a)").outcome == FlushOutcome::Ok); }

  Result<OwnerAnswer> ask() {
    BootRequest request{.database = world.database,
                        .replica = "file:///" + place,
                        .open_store = [this](const Stopped&) { return open(); },
                        .policy = {},
                        .cancelled = [] { return false; }};
    request.ask_owner = [this](AskFor what) {
      asked.push_back(what);
      return consent;
    };
    const auto directory = StateDir::open(world.database).value();
    return ask_for_handover(request, directory,
                            testing::kSystemClock.mono() + std::chrono::seconds(5),
                            testing::kSystemClock);
  }
  Result<std::unique_ptr<storage::ObjectStore>> open() const {
    if (is_down) return fail(Code::Unavailable, "no answer");
    if (place == "replica") return std::unique_ptr<storage::ObjectStore>(world.store());
    return std::unique_ptr<storage::ObjectStore>(
        std::make_unique<testing::FakeStore>(const_cast<testing::FakeBucket&>(other)));
  }
  testing::FakeBucket other;
};

TEST_CASE("a start with the owner's replica asks for consent, and then for the hand-over") {
  SecondStart start;
  CHECK(start.ask().value() == OwnerAnswer::HandsOver);
  CHECK(start.asked == std::vector<AskFor>{AskFor::Consent, AskFor::Handover});
}

TEST_CASE("an owner that does not consent, or does not listen, is not asked again") {
  SecondStart start;
  start.consent = fail(Code::Mismatch, "it has an owner");
  CHECK(start.ask().error().text == "it has an owner");
  start.consent = OwnerAnswer::NotThere;
  CHECK(start.ask().value() == OwnerAnswer::NotThere);
  CHECK(start.asked == std::vector<AskFor>{AskFor::Consent, AskFor::Consent});
}

TEST_CASE("a start that could not go on in the replica does not end the owner") {
  SecondStart start;
  start.place = "elsewhere";
  const auto elsewhere = start.ask();
  REQUIRE_FALSE(elsewhere.has_value());
  CHECK(elsewhere.error().code == Code::Mismatch);
  CHECK(elsewhere.error().text.find("Set --replica as there") != std::string::npos);
  start.place = "replica";
  start.is_down = true;
  const auto unreachable = start.ask();
  REQUIRE_FALSE(unreachable.has_value());
  CHECK(unreachable.error().text.find("cannot reach") != std::string::npos);
  CHECK(start.asked == std::vector<AskFor>{AskFor::Consent, AskFor::Consent});
}

}  // namespace
}  // namespace walwrap::replication
