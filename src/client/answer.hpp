// One answer of HTTP/1.1, as the API sends it: a status line, fields, and a body of a length that
// the fields name.
//
// Pure; fed in any pieces. Source: RFC 9112. It is strict: walwrap sends no chunks, no interim
// answers and no folded fields, so anything of that kind comes from something else and is
// Malformed.
#pragma once

#include <cstddef>
#include <string_view>

#include "walwrap/client/text.hpp"

namespace walwrap::client {

// Limits of what is read (Law 5). walwrap's head has about 200 bytes; the status of a thousand
// databases has about 2 MiB.
inline constexpr std::size_t kMostHeadBytes = 16UL << 10;
inline constexpr std::size_t kMostBodyBytes = 16UL << 20;

class Answer {
 public:
  enum class State { Partial, Whole, Malformed, NoMemory };

  // Keeps Malformed and NoMemory. Bytes after a whole answer make it Malformed.
  State feed(std::string_view bytes);

  void clear();  // for the answer to another request

  State state() const { return state_; }
  int status() const { return status_; }  // 200 to 599; 0 before the head is complete
  std::string_view body() const;          // of a whole answer

 private:
  bool read_head(std::string_view head);
  bool read_field(std::string_view line);
  State judge();

  Text bytes_{kMostHeadBytes + kMostBodyBytes};
  std::size_t head_bytes_ = 0;  // with the empty line; 0: it is not complete
  std::size_t body_bytes_ = 0;
  bool has_length_ = false;
  int status_ = 0;
  State state_ = State::Partial;
};

}  // namespace walwrap::client
