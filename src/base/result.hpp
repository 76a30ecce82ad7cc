// What can fail returns a Result<T>: either a T or an Error with a code and a sentence.
//
// Member names are those of std::expected, so that C++23 is one alias away. A Code exists because
// some caller branches on it; all other meaning is in the text, which reads outside-in with the
// cause last: "open state directory: openat: Permission denied".
//
//   auto file = TRY(Dir::open(path).context("open state directory"));
//
// TRY is a whole initializer or a whole statement, never part of a larger expression: g++ 12 and
// clang 14 leak the half-built operands around it.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "walwrap/base/check.hpp"

namespace walwrap {

enum class Code {
  NotFound,     // it does not exist (an authenticated answer, never a guess)
  Exists,       // create-only: an object or file already has this name
  Denied,       // rights or credentials
  Unavailable,  // try again later: store or disk does not answer, or answers "later"
  Unknown,      // it may have happened: repeat the same bytes
  Busy,         // a lock is held by another process
  Corrupt,      // bytes contradict their own checksum, or a rule of their format
  Unsupported,  // well-formed, but not something this version handles
  Invalid,      // the caller's input: configuration, flags, a URL
  Mismatch,     // it is another writer's, or belongs to another lineage
  Io,           // the operating system refused, for a reason without its own code
  Cancelled,    // stopped before it was done
  Deadline,     // the time allowed for it has passed
};

// "not found", "corrupt", ...
std::string_view code_name(Code code);

struct Error {
  Code code = Code::Io;
  std::string text;
  std::chrono::milliseconds retry_after{0};  // Unavailable: the store asks not to be asked sooner
};

// What `fail(...)` returns; converts to any Result<T>.
struct Failure {
  Error error;
};

template <typename... Args>
[[nodiscard]] Failure fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure{Error{code, fmt::format(format, std::forward<Args>(args)...)}};
}

[[nodiscard]] inline Failure fail(Error error) {
  return Failure{std::move(error)};
}

template <typename T>
class [[nodiscard]] Result {
  using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  using value_type = T;

  Result() requires std::is_void_v<T>
  = default;
  // A value and a failure become a result by themselves: that is what `return` is for.
  // NOLINTBEGIN(google-explicit-constructor, bugprone-forwarding-reference-overload)
  Result(Failure failure) : error_(std::move(failure.error)) {}
  template <typename U>
  requires(!std::is_void_v<T> && std::is_constructible_v<Stored, U&&> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Failure>) Result(U&& value)
      : value_(std::forward<U>(value)) {}
  // NOLINTEND(google-explicit-constructor, bugprone-forwarding-reference-overload)

  bool has_value() const {
    if constexpr (std::is_void_v<T>) return !error_.has_value();
    return value_.has_value();
  }
  explicit operator bool() const { return has_value(); }

  const Error& error() const {
    WW_CHECK(error_.has_value());
    return *error_;
  }

  std::add_lvalue_reference_t<T> value() & {
    require_value();
    if constexpr (!std::is_void_v<T>) return *value_;
  }
  std::add_lvalue_reference_t<const T> value() const& {
    require_value();
    if constexpr (!std::is_void_v<T>) return *value_;
  }
  T value() && {
    require_value();
    if constexpr (!std::is_void_v<T>) return *std::move(value_);
  }

  std::add_lvalue_reference_t<T> operator*() & { return value(); }
  std::add_lvalue_reference_t<const T> operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  auto operator->() { return &value(); }
  auto operator->() const { return &value(); }

  template <typename U>
  T value_or(U&& other) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(other));
  }

  // Puts "what: " before the error's text; does nothing to a value.
  Result context(std::string_view what) && {
    if (error_) error_->text = fmt::format("{}: {}", what, error_->text);
    return std::move(*this);
  }

  Failure take_failure() && {
    WW_CHECK(error_.has_value());
    return Failure{*std::move(error_)};
  }

 private:
  void require_value() const {
    if (!has_value()) panic(__FILE__, __LINE__, error_ ? error_->text : "empty result");
  }

  std::optional<Stored> value_;
  std::optional<Error> error_;
};

// Drops an outcome on purpose; the reason is for the reader.
template <typename T>
void ignore(const Result<T>& /*result*/, std::string_view /*reason*/) {}

}  // namespace walwrap

// Each use has a name of its own, so that a lambda inside may use TRY too.
#define WALWRAP_JOIN_(left, right) left##right
#define WALWRAP_JOIN(left, right) WALWRAP_JOIN_(left, right)
#define WALWRAP_TRY(result, ...)                          \
  __extension__({                                         \
    auto result = (__VA_ARGS__);                          \
    if (!result) return std::move(result).take_failure(); \
    std::move(result).value();                            \
  })
#define TRY(...) WALWRAP_TRY(WALWRAP_JOIN(walwrap_result_, __COUNTER__), __VA_ARGS__)
