#include "walwrap/base/result.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>

using namespace walwrap;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(Code::Invalid, "{} is odd", number);
  return number / 2;
}

Result<void> must_be_small(int number) {
  if (number > 10) return fail(Code::Unsupported, "too large");
  return {};
}

Result<std::string> quarter(int number) {
  const int first = TRY(half(number).context("first half"));
  TRY(must_be_small(first));
  const int second = TRY(half(first).context("second half"));
  return std::to_string(second);
}

// Counts what is alive, to see what TRY leaves behind.
struct Counted {
  static inline int alive = 0;
  Counted() { ++alive; }
  Counted(Counted&& /*other*/) noexcept { ++alive; }
  Counted(const Counted& /*other*/) { ++alive; }
  ~Counted() { --alive; }
};

Result<Counted> make_counted(bool works) {
  if (!works) return fail(Code::Io, "no");
  return Counted{};
}

Result<void> hold_one_and_lose_another() {
  const auto held = TRY(make_counted(true));
  const auto lost = TRY(make_counted(false));
  return {};
}

}  // namespace

TEST_CASE("a result holds either its value or an error") {
  const auto value = half(4);
  REQUIRE(value.has_value());
  CHECK(*value == 2);

  const auto error = half(3);
  REQUIRE_FALSE(error.has_value());
  CHECK_FALSE(static_cast<bool>(error));
  CHECK(error.error().code == Code::Invalid);
  CHECK(error.error().text == "3 is odd");
}

TEST_CASE("TRY gives the value, or returns the error with its code and its context in front") {
  CHECK(quarter(8).value() == "2");

  const auto odd = quarter(7);
  REQUIRE_FALSE(odd.has_value());
  CHECK(odd.error().text == "first half: 7 is odd");

  const auto odd_half = quarter(6);
  REQUIRE_FALSE(odd_half.has_value());
  CHECK(odd_half.error().text == "second half: 3 is odd");
  CHECK(odd_half.error().code == Code::Invalid);
}

TEST_CASE("TRY of a result without value is a statement") {
  const auto large = quarter(44);
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().code == Code::Unsupported);
  CHECK(large.error().text == "too large");
}

TEST_CASE("TRY leaves no half-built object when it returns early") {
  CHECK_FALSE(hold_one_and_lose_another().has_value());
  CHECK(Counted::alive == 0);
}

TEST_CASE("contexts read from the outside to the inside, with the cause last") {
  const Result<int> result = half(1).context("inner").context("outer");
  CHECK(result.error().text == "outer: inner: 1 is odd");
  CHECK(half(2).context("ignored").value() == 1);
}

TEST_CASE("a result moves values that cannot be copied") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  REQUIRE(result.has_value());
  CHECK(**result == 7);
  const std::unique_ptr<int> taken = std::move(result).value();
  CHECK(*taken == 7);
}

TEST_CASE("value_or replaces an error and never a value") {
  CHECK(half(8).value_or(-1) == 4);
  CHECK(half(9).value_or(-1) == -1);
}

TEST_CASE("reading the value of an error, or the error of a value, causes a panic") {
  CHECK_THROWS_AS(half(3).value(), Panic);
  CHECK_THROWS_AS(half(4).error(), Panic);
  CHECK_THROWS_AS(must_be_small(11).value(), Panic);
  CHECK_NOTHROW(must_be_small(9).value());
}

TEST_CASE("every code has its own name") {
  std::set<std::string_view> names;
  constexpr int kCodes = static_cast<int>(Code::Deadline) + 1;
  for (int i = 0; i < kCodes; ++i) names.insert(code_name(static_cast<Code>(i)));
  CHECK(names.size() == static_cast<std::size_t>(kCodes));
  CHECK(names.count("") == 0);
  CHECK(code_name(Code::NotFound) == "not found");
}

TEST_CASE("a store's Retry-After survives every context that is added") {
  const auto asked = [](bool works) -> Result<int> {
    if (works) return 1;
    return fail(Error{Code::Unavailable, "slow down", std::chrono::seconds(7)});
  };
  const auto passed_on = [&]() -> Result<int> {
    const int value = TRY(asked(false).context("put"));
    return value + 1;
  };
  CHECK(passed_on().error().retry_after == std::chrono::seconds(7));
  CHECK(passed_on().error().text == "put: slow down");
  CHECK(half(1).error().retry_after == std::chrono::milliseconds(0));
}
