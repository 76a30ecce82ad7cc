// One connection to walwrap's Unix socket. It lives for one exchange, so that a handle holds no
// descriptor that a fork could share or an exec could leak. Owned by one call, on its thread.
#pragma once

#include <span>
#include <string_view>

#include "walwrap/client/time_limit.hpp"

namespace walwrap::client {

// What a socket's address has room for.
inline constexpr std::size_t kLongestPath = 107;

struct Done {
  enum class How { Ok, Late, Interrupted, Failed } how = How::Ok;
  int error = 0;          // errno, after Failed
  std::size_t bytes = 0;  // received; 0: the other end has closed
};

class Connection {
 public:
  Connection() = default;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Once. The path is no longer than kLongestPath. Waits while walwrap's queue is full.
  Done open(const char* path, const TimeLimit& patience);
  Done send(std::string_view bytes, const TimeLimit& patience) const;  // all of them
  Done receive(std::span<char> buffer, const TimeLimit& patience) const;

 private:
  int descriptor_ = -1;
};

}  // namespace walwrap::client
