// Text that grows up to a limit, in memory of malloc: what the C interface hands out.
//
// Pure. A failure is kept: append() may be called many times and state() asked once, at the end.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace walwrap::client {

class Text {
 public:
  enum class State { Whole, TooLong, NoMemory };

  explicit Text(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  ~Text() { std::free(bytes_); }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  // What does not fit is left out, between two characters of UTF-8.
  void append(std::string_view more);
  void append(char more) { append(std::string_view(&more, 1)); }
  void append_decimal(long long number);
  void clear();

  State state() const { return state_; }
  bool is_whole() const { return state_ == State::Whole; }
  std::string_view view() const { return {bytes_ == nullptr ? "" : bytes_, size_}; }

  // Ends with a zero byte and is for free(). nullptr if there was no memory.
  char* release();

 private:
  bool reserve(std::size_t wanted);

  std::size_t most_bytes_;
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  State state_ = State::Whole;
};

}  // namespace walwrap::client
