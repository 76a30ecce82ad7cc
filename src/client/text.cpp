#include "walwrap/client/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace walwrap::client {
namespace {

constexpr std::size_t kFirstCapacity = 256;

// At most `most` bytes, and no part of a UTF-8 sequence.
std::string_view front_of(std::string_view text, std::size_t most) {
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
  return {text.data(), most};
}

}  // namespace

bool Text::reserve(std::size_t wanted) {
  if (wanted <= capacity_) return true;
  std::size_t capacity = std::max(kFirstCapacity, capacity_);
  while (capacity < wanted) capacity *= 2;
  auto* const grown = static_cast<char*>(std::realloc(bytes_, capacity));
  if (grown == nullptr) {
    state_ = State::NoMemory;
    return false;
  }
  bytes_ = grown;
  capacity_ = capacity;
  return true;
}

void Text::append(std::string_view more) {
  if (!is_whole() || more.empty()) return;
  const bool fits = more.size() <= most_bytes_ - size_;
  if (!fits) more = front_of(more, most_bytes_ - size_);
  if (!reserve(size_ + more.size() + 1)) return;
  if (!more.empty()) std::memcpy(bytes_ + size_, more.data(), more.size());
  size_ += more.size();
  if (!fits) state_ = State::TooLong;
}

void Text::append_decimal(long long number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  append({digits, static_cast<std::size_t>(end - digits)});
}

void Text::clear() {
  size_ = 0;
  state_ = State::Whole;
}

char* Text::release() {
  if (state_ == State::NoMemory || !reserve(size_ + 1)) return nullptr;
  bytes_[size_] = '\0';
  char* const given = bytes_;
  bytes_ = nullptr;
  size_ = 0;
  capacity_ = 0;
  return given;
}

}  // namespace walwrap::client
